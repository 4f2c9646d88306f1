"""What each call of a program gives, as one line of canonical text a call: equal lines mean equal outcomes.

Reads `answer.py` and `calls.json` in the working folder. Each call has a process of its own, forked from the loaded
program: none sees what another left behind, and one that does not end takes nothing from those behind it. The first
line says `ready`, the second `loaded` or why not.
"""

from __future__ import annotations

import builtins
import json
from functools import partial
from pathlib import Path
from sys import setrecursionlimit
from time import monotonic
from typing import Any

from banchu.experiments.incell.canonical import canonical, name_of
from banchu.experiments.incell.forked import ENDED, TOO_LONG, Board, finish, held, load, quiet, say
from banchu.experiments.incell.shown import FILE

globals()["__builtins__"] = dict(vars(builtins))  # as in forked.py

_CPU_S, _WALL_S = 1, 5.0
_ALL_WALL_S = 20.0
_LOAD_CPU_S, _LOAD_WALL_S = 2, 10
_MOST_LATE = 3
"""Calls that take too long, behind which no other is tried."""
_FRAMES = 20_000
_ROOM = 4096
"""Bytes of one text: `MAX_TEXT` characters are fewer."""


def outcome(call: str, scope: dict[str, Any], board: Board) -> None:
    """Put the text of one call on the board."""
    try:
        value = eval(call, scope)
        setrecursionlimit(_FRAMES)  # the program may have set one that is too low
        text = canonical(value)
    except BaseException as error:  # noqa: BLE001  # whatever it raises is what is told
        text = f"raises {name_of(type(error))}"
    board.put(0, text)


def main() -> None:
    calls: list[str] = json.loads(Path("calls.json").read_text(encoding="utf-8"))
    source = Path(FILE).read_text(encoding="utf-8")
    told = quiet()
    say(told, "ready\n")
    scope, error = load(source, FILE, _LOAD_CPU_S, _LOAD_WALL_S)
    if error is not None:
        say(told, f"raises {name_of(type(error))} while loading\n")
        finish()
    say(told, "loaded\n")
    late, end = 0, monotonic() + _ALL_WALL_S
    for call in calls:
        if late == _MOST_LATE or monotonic() > end:
            say(told, "stopped: not run, since others took too long\n")
            continue
        board = Board(1, _ROOM)
        stopped = held(partial(outcome, call, scope, board), _CPU_S, _WALL_S)
        late += stopped == TOO_LONG
        text = "" if stopped else board.get(0)
        text = text or f"stopped: {stopped or ENDED}"
        say(told, text.replace("\n", " ") + "\n")
    finish()
