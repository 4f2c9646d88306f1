"""One call of a program, block by block, with the local values before and after each: the form of LDB.

Zhong et al. 2024, arXiv:2402.16906, github.com/FloridSleeves/LLMDebugger: blocks are numbered as they are executed, and
of many the first five and the last five are shown. Reads `answer.py` and `calls.json`, which holds the call. The call
is made twice, from the same loaded program: once to see how many blocks it comes to, and once to write down the few
that are shown. They lie on a board outside its process, so a call that does not end is told as far as it came.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from banchu.experiments.incell.blocks import Place, places
from banchu.experiments.incell.following import MAX_BLOCKS, Counting, Recording, one_line
from banchu.experiments.incell.forked import ENDED, Board, finish, held, load, quiet, say
from banchu.experiments.incell.shown import FILE, middle, raised

globals()["__builtins__"] = dict(vars(builtins))  # as in forked.py

MAX_CHARACTERS = 3900
_EDGE = 5
"""Blocks shown of the beginning, and of the end."""
_COUNT, _FULL, _END = 0, 1, 2
"""Slots of the first board: blocks begun, whether it was no longer followed, what was returned or raised."""
_LOAD_CPU_S, _LOAD_WALL_S, _CPU_S, _WALL_S = 2, 10, 2, 8.0
_BLOCK, _ENDING, _ROOM = 1400, 700, 6000
"""Characters of one block and of the end; bytes of a slot, enough for them in any script."""


def count(call: str, scope: dict[str, Any], source: str, found: dict[int, Place], board: Board) -> None:
    """Make the call; leave on the board how many blocks it came to, and how it ended."""

    def begun(number: int) -> None:
        board.set(_COUNT, number)
        board.set(_FULL, number >= MAX_BLOCKS)

    try:
        with Counting(found, begun):
            value = eval(call, scope)
        told = f"returned: {one_line(value, _ENDING - 20)}"
    except BaseException as error:  # noqa: BLE001  # whatever it raises is what is told
        told = "\n".join(raised(error, source))
    board.put(_END, middle(told, _ENDING))


def record(
    call: str,
    scope: dict[str, Any],
    source: str,
    found: dict[int, Place],
    numbers: Sequence[int],
    until: int,
    board: Board,
) -> None:
    """Make the call; leave the blocks with these numbers on the board. When block `until` begins nothing is left."""
    slots = {number: slot for slot, number in enumerate(numbers)}

    def keep(number: int, text: str) -> None:
        board.put(slots[number], middle(text, _BLOCK))

    try:
        with Recording(found, source.split("\n"), slots, until, keep):
            eval(call, scope)
    except BaseException:  # noqa: BLE001  # it has been told
        pass


def told_of(call: str, scope: dict[str, Any], source: str) -> str:
    try:
        found = places(source)
    except (SyntaxError, ValueError, RecursionError):
        found = {}
    first = Board(3, _ROOM)
    stopped = held(partial(count, call, scope, source, found, first), _CPU_S, _WALL_S)
    total = max(0, min(MAX_BLOCKS, first.number(_COUNT)))
    full = first.number(_FULL) != 0
    numbers = [number for number in range(total) if number < _EDGE or number >= total - _EDGE]
    second = Board(2 * _EDGE, _ROOM)
    until = total if stopped or full else MAX_BLOCKS
    held(partial(record, call, scope, source, found, numbers, until, second), _CPU_S + 1, _WALL_S)
    blocks = [text for slot in range(len(numbers)) if (text := second.get(slot))]
    end = "" if stopped else first.get(_END)
    end = end or f"(stopped: {stopped or ENDED})"
    return assembled(blocks, total, f"(only the first {MAX_BLOCKS} blocks were followed)\n{end}" if full else end)


def assembled(blocks: Sequence[str], total: int, end: str) -> str:
    """As many of the blocks as there is room for, fewer in the middle, and the end."""
    for edge in range(_EDGE, 0, -1):
        head, tail = blocks[:edge], blocks[edge:][-edge:]
        left_out = total - len(head) - len(tail)
        gap = [f"[... {left_out} block{'s' * (left_out > 1)} left out ...]"] if left_out > 0 else []
        text = "\n".join([*head, *gap, *tail, end])
        if len(text) <= MAX_CHARACTERS:
            break
    return text


def main() -> None:
    (call,) = json.loads(Path("calls.json").read_text(encoding="utf-8"))
    source = Path(FILE).read_text(encoding="utf-8")
    told = quiet()
    say(told, "ready\n")
    scope, error = load(source, FILE, _LOAD_CPU_S, _LOAD_WALL_S)
    if error is not None:
        say(told, "\n".join(["Loading the code fails.", *raised(error, source)]))
    else:
        say(told, told_of(call, scope, source))
    finish()
