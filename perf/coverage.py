"""Do the printed intervals hold the truth as often as they say? A simulated model, whose rates are known.

Run: python perf/coverage.py [--simulations 1000] [--tasks 40,164,500] [--repeats 1,4] [--world mixed] [--processes 1]
[--json], or with --rivals for the interval of a difference beside other intervals. Ends with exit code 1 where an
interval covers less often than 95 %, a test gives more false alarms than 5 %, or an estimate is off, by more than the
simulation's own error. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from covering import rivals, table
from covering.trials import Setting, Tally, tally_all
from covering.worlds import WORLDS


def main() -> None:
    options = _options()
    if options.rivals:
        print(rivals.text(list(rivals.rows())))
        return
    sizes = [(tasks, repeats) for tasks in options.tasks for repeats in options.repeats]
    settings = [Setting(world, *size) for world in options.world for size in sizes]
    tallies = {setting: Tally() for setting in settings}
    wanted, done, start = len(settings) * options.simulations, 0, time.perf_counter()
    for setting, part in tally_all(settings, options.simulations, processes=options.processes, seed=options.seed):
        tallies[setting].add(part)
        done += part.simulations
        _say(f"{done} of {wanted} simulations")
    _say("")
    cells = table.cells(tallies)
    if options.json:
        print(json.dumps(table.as_json(tallies, cells), indent=1))
    else:
        print(f"{options.simulations} simulations of each size, {time.perf_counter() - start:.0f} s\n")
        print(table.text(cells, options.simulations))
    sys.exit(1 if any(cell.wrong or cell.biased for cell in cells) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000, help="of each world, number of tasks and of repeats")
    parser.add_argument("--tasks", type=_numbers, default=[40, 164, 500], help="sizes of the benchmark, with commas")
    parser.add_argument("--repeats", type=_numbers, default=[1, 4], help="episodes of each arm on a task, with commas")
    parser.add_argument("--world", action="append", choices=list(WORLDS), help="only this one; may be given twice")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="at once; as many as cores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rivals", action="store_true", help="only the interval of a paired difference, beside others")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.world = options.world or list(WORLDS)
    return options


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} holds a number below 1")
    return numbers


def _say(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{words:<70}", end="" if words else "\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
