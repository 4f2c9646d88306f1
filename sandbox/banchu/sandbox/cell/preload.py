"""What every candidate inherits beside `stdlib`'s modules: an interpreter that has run before."""

from __future__ import annotations

import _thread
import random
import site
import sys
from collections.abc import Callable
from typing import NoReturn

from banchu.sandbox.cell import kernel
from banchu.sandbox.cell.answering import Answering, answer
from banchu.sandbox.wire.codec import dumps

_REPRESENTATIVE = '''
import math
from typing import Any, Dict, List, Tuple
import re, random, collections

class Thing:
    def __init__(self, value: int) -> None:
        self.value = value

def helper(values: List[int], *rest: int, key: Any = None, **more: Any) -> Dict[str, int]:
    """Counts."""
    table: Dict[str, int] = {}
    for i, v in enumerate(sorted(values, key=lambda x: -x)):
        if v % 2 == 0 and v not in table:
            table[str(v)] = table.get(str(v), 0) + i
        elif v > 10 or v < -10:
            continue
        else:
            table[f"{v:>4}"] = max(i, len([x for x in values if x != v]))
    while len(table) > 3:
        table.popitem()
    return table

def work(text: str, numbers: List[float]) -> Tuple[Any, ...]:
    words = re.sub(r"[^a-z ]+", "", text.lower()).split()
    counts = collections.Counter(words)
    try:
        math.sqrt(sum(n ** 2 for n in numbers)) / 0
    except ZeroDivisionError as error:
        str(error)
    out = helper([len(w) for w in words] + [int(n) for n in numbers])
    return (Thing(3).value, "".join(reversed(text)), dict(counts), out, {1, 2}, [[a, b] for a, b in zip(words, words)])
'''


_THREAD_STACK_BYTES = 8 * 2**20
"""The usual. Left alone, each thread would reserve as much address space as the main one may grow to."""
_RUNS = 20
"""Until the interpreter has adapted its own code to it, and writes to it no more."""


def work_of(profile: str) -> Callable[..., NoReturn]:
    """What candidates of a profile do on their channels."""
    if profile == "tests":
        from banchu.sandbox.cell.testing import test

        return test
    return answer


def load() -> None:
    """Judge a small program: its pages are then shared, instead of made by every candidate."""
    random.seed(0)
    kernel.one_malloc_arena()
    _thread.stack_size(_THREAD_STACK_BYTES)  # not threading's: it would have work after every fork
    site.setquit()  # `exit` and `quit`, which -S leaves out and programs use
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
    calls = [[{"t": ["A b, a!", [1.5, 2.0, -3.0, 24.0]]}, {"d": []}], [{"t": [1]}, {"d": []}]]
    request = dumps(["warm", "program", _REPRESENTATIVE, "work", calls, False, False])
    for _ in range(_RUNS):
        Answering().reply(request)
    sys.modules.pop("candidate", None)
