"""Thousands of judgements in a row, a third of them hostile: does anything leak, does anything get slower?

Run: python perf/soak.py [--judgements 20000] [--isolation namespaces] [--slots N]. One table row for each 1,000, all
of the same mix. Ends with exit code 1 when a process, descriptor, mount, control group, file or container is left,
memory grows, or a verdict is not what it must be.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass

from banchu.sandbox import Judge, Limits, probe_isolation
from banchu.sandbox.isolation import parse_isolation
from judging.cpu import Meter
from soaking import mix, watch

_KEPT = 20_000
"""Verdicts that a judge keeps for those who ask again."""
_KEPT_KIB = 5
_SLACK_KIB = 4096


@dataclass(frozen=True)
class Row:
    """One block."""

    judged: int
    wall_s: float
    cpu_s: float
    look: watch.Look


def main() -> None:
    options = _options()
    meter = Meter()
    tier = parse_isolation(options.isolation).tier
    report = probe_isolation(options.isolation)
    if not report.ok:
        sys.exit(f"{options.isolation}: {report.detail}; {report.remedy}")
    limits = Limits(cpu_s=1.0, wall_s=10.0, memory_mib=256)
    before = watch.look(tier)
    wrong: Counter[str] = Counter()
    with Judge(limits, slots=options.slots, isolation=options.isolation) as judge, mix.hostile(tier) as cases:
        soon, late = mix.quick(judge, cases)
        block = mix.block(mix.innocent(), soon, late, min(mix.BLOCK, options.judgements))
        print(
            f"{options.isolation}, {options.slots} slots: {len(soon)} hostile cases, and {len(late)} slow ones, among"
        )
        print(f"{len(block)} judgements that repeat; CPU by {meter.words}\n\n{_head()}")
        _judge(judge, block, 0, wrong)  # tests are compiled, allocators filled
        rows = []
        for number in range(1, max(1, options.judgements // len(block)) + 1):
            start, cpu = time.perf_counter(), meter.seconds()
            _judge(judge, block, number, wrong)
            wall, cpu = time.perf_counter() - start, meter.seconds() - cpu
            rows.append(Row(len(block), wall, cpu, watch.look(tier)))
            print(_line(number * len(block), rows[-1]), flush=True)
    after = watch.look(tier)
    leaks = _leaks(before, rows, after)
    meter.close()
    _summary(rows, leaks, wrong)
    sys.exit(1 if leaks or wrong else 0)


def _judge(judge: Judge, block: list[mix.Item], number: int, wrong: Counter[str]) -> None:
    pairs = ((item.sealed, item.numbered(number * len(block) + at)) for at, item in enumerate(block))
    for judged in judge.judge_many_sync(pairs):
        if found := mix.wrong(block[judged.index], judged.verdict, judged.error):
            wrong[found] += 1


def _leaks(before: watch.Look, rows: list[Row], after: watch.Look) -> list[str]:
    """What is more at the end than at the first block's end, or than before anything started."""
    first, last = rows[0].look, rows[-1].look
    found = []
    for name in watch.COUNTED:
        if last.counts[name] > first.counts[name]:
            found.append(f"{name}: {first.counts[name]} after the first block, {last.counts[name]} after the last")
        if after.counts[name] > before.counts[name]:
            found.append(f"{name}: {before.counts[name]} before, {after.counts[name]} after the judge was closed")
    kept = min(_KEPT, sum(row.judged for row in rows[1:]))
    for role, kib in last.rss_kib.items():
        allowed = _SLACK_KIB + (kept * _KEPT_KIB if role == "app" else 0)
        if kib - first.rss_kib[role] > allowed:
            found.append(f"memory of {role}: {first.rss_kib[role]} KiB became {kib} KiB")
    return found


def _head() -> str:
    counted = " ".join(f"{name:>10}" for name in watch.COUNTED)
    return f"  judged   per s  CPU-ms {counted}   app MiB cells MiB testers MiB"


def _line(total: int, row: Row) -> str:
    counted = " ".join(f"{row.look.counts[name]:>10}" for name in watch.COUNTED)
    memory = "{app:>9.1f} {cells:>9.1f} {testers:>11.1f}".format(**{k: v / 1024 for k, v in row.look.rss_kib.items()})
    return f"{total:>8} {row.judged / row.wall_s:>7.1f} {1000 * row.cpu_s / row.judged:>7.2f} {counted} {memory}"


def _summary(rows: list[Row], leaks: list[str], wrong: Counter[str]) -> None:
    first, last = rows[0], rows[-1]
    print(f"\nthroughput, last / first: {first.wall_s / last.wall_s:.3f} (within 0.9 where the machine is quiet)")
    print(f"CPU of a judgement, last / first: {last.cpu_s / first.cpu_s:.3f}")
    print("leaked: " + ("; ".join(leaks) or "nothing"))
    print(f"wrong verdicts: {wrong.total()}")
    for words, count in wrong.most_common(10):
        print(f"  {count} x {words}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judgements", type=int, default=20_000)
    parser.add_argument("--isolation", default="namespaces")
    parser.add_argument("--slots", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


if __name__ == "__main__":
    main()
