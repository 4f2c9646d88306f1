"""The bare fork that judging is compared with: a warm interpreter forks, the child runs one program, the parent waits.

`python zygote.py FILE`: `load` on standard input reads programs from FILE, `go` runs them and answers with exit code
and seconds of each. It has imported what a cell has, and has run programs before, as a cell has.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time

# fmt: off
MODULES = (
    "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "hashlib", "heapq", "itertools", "math", "operator", "random", "re", "statistics", "string", "textwrap", "types",
    "typing",
)
# fmt: on
WARMING = 10


def main() -> None:
    for name in MODULES:
        importlib.import_module(name)
    programs: list[str] = []
    for line in sys.stdin:
        if line == "load\n":
            with open(sys.argv[1]) as file:  # noqa: PTH123  # pathlib would be one more thing to copy
                programs = json.load(file)
            for program in programs[:WARMING]:
                run(program)
            gc.collect()
            gc.freeze()
            answer: object = len(programs)
        else:
            answer = [judge(program) for program in programs]
        print(json.dumps(answer), flush=True)


def judge(program: str) -> tuple[int, float]:
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            run(program)
        except BaseException:  # noqa: BLE001  # exit() is a failure too
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status, time.perf_counter() - start


def run(program: str) -> None:
    exec(compile(program, "<program>", "exec"), {"__name__": "program"})


main()
