"""CPU and time of a judgement: every tier of banchu, other people's judges, and the floors below them all.

Run: python perf/judge.py [--rounds 3] [--repeats 10] [--rows namespaces,bare] [--json]. HumanEval's 164 reference
solutions, so many times each, in so many rounds, in which the rows take turns: a busy machine is unfair to none of
them. CPU is of the whole process tree, and of a daemon's where there is one. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Worker:
    """A process in which rows of one home live."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        command = [sys.executable, "-m", "judging.worker"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def ask(self, **order: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"the process of row {order['row']!r} ended")
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        self._process.communicate()


def main() -> None:
    from judging import table
    from judging.rows import rows

    options = _options()
    entries = {
        name: entry
        for name, entry in rows().items()
        if not options.rows or any(name.startswith(start) for start in options.rows.split(","))
    }
    workers: dict[str, Worker] = {}
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in entries}
    missing: dict[str, str] = {}
    how = set()
    try:
        for salt in range(options.rounds + 1):  # the first warms: each slot has then met each task
            for name, entry in entries.items():
                if name in missing:
                    continue
                home = entry.home or name
                worker = workers.setdefault(home, Worker()) if home not in workers else workers[home]
                repeats = options.repeats if salt else 1
                answer = worker.ask(row=name, repeats=repeats, limit=options.tasks, salt=salt)
                if "unavailable" in answer:
                    missing[name] = answer["unavailable"]
                elif salt:
                    measured[name].append(answer)
                    how.add(answer["how"])
                _say(f"round {salt} of {options.rounds}: {name}")
    finally:
        for worker in workers.values():
            worker.close()
    measured = {name: passes for name, passes in measured.items() if passes}
    if options.json:
        print(json.dumps(table.as_json(measured, missing), indent=1))
        return
    cores = len(os.sched_getaffinity(0))
    print(f"HumanEval references x {options.repeats}, medians of {options.rounds} rounds; {cores} cores,")
    print(f"Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}; CPU by {' and '.join(sorted(how))}\n")
    print(table.text(measured, {name: entry.note for name, entry in entries.items()}, missing))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=10, help="of each solution in a round")
    parser.add_argument("--tasks", type=int, default=None, help="only so many of the 164")
    parser.add_argument("--rows", default="", help="only rows whose names begin so, separated by commas")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _say(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{words:<70}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
