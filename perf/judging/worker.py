"""The process in which a row lives, or several of one home: a line of JSON in, a line of JSON out.

In: the row, how many repeats, how many tasks, and a number that makes the programs new. Out: for each group of tasks
the CPU, the wall time, and each judgement's; or why the row cannot be had.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from judging import containers, programs
from judging.cpu import Meter
from judging.rows import Entry, Row, Unavailable, rows


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # rivals print
    os.close(nowhere)
    meter = Meter()
    made: dict[str, Row] = {}
    try:
        for line in sys.stdin:
            order = json.loads(line)
            name = order.pop("row")
            entry = rows()[name]
            try:
                if name not in made:
                    made[name] = entry.make(meter.group)
                answer: object = {"how": meter.words, "groups": _measure(made[name], entry, meter, **order)}
            except Unavailable as reason:
                answer = {"unavailable": str(reason)}
            print(json.dumps(answer), file=answers, flush=True)
    finally:
        for row in made.values():
            row.close()
        containers.close()
        meter.close()


def _measure(row: Row, entry: Entry, meter: Meter, repeats: int, limit: int | None, salt: int) -> dict[str, Any]:
    every = programs.load(limit)
    found: dict[str, Any] = {}
    for group in programs.GROUPS:
        chosen = [program for program in every if program.group == group]
        batch = [p.numbered(salt * 1000 + repeat) for repeat in range(repeats) for p in chosen]
        if entry.few:
            batch = batch[:: max(1, len(chosen) // entry.few)][: entry.few]
        row.prepare(batch)
        before, start = meter.seconds(), time.perf_counter()
        outcomes = row.judge(batch)
        wall, cpu = time.perf_counter() - start, meter.seconds() - before
        found[group] = {
            "cpu_s": cpu,
            "wall_s": wall,
            "walls_s": [outcome.wall_s for outcome in outcomes],
            "wrong": [outcome.task_id for outcome in outcomes if not outcome.passed],
        }
    return found


if __name__ == "__main__":
    main()
