"""Trace functions that follow a program from block to block."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Sequence
from os import _exit
from sys import getrecursionlimit, setrecursionlimit, settrace
from types import FrameType
from typing import Any, Self

from banchu.experiments.incell.blocks import Place
from banchu.experiments.incell.shown import FILE, middle, short, visible

globals()["__builtins__"] = dict(vars(builtins))  # as in forked.py

MAX_BLOCKS = 200_000
"""Blocks behind which a program is no longer followed, so that one which ends still does so in time."""
_VALUES, _VALUE, _LINE, _LINES = 240, 80, 160, 12
"""Characters of all values at one point, of one value, and of a line; lines of one statement."""
_ITEMS, _LEVELS = 12, 3
_FRAMES = 100
"""What following may need beyond the frames that the program may have, so that it changes nothing to look."""


class _Following:
    """Counts blocks as they begin. A context: the program is followed inside."""

    def __init__(self, found: dict[int, Place]) -> None:
        self._found = found
        self._at: dict[FrameType, Place] = {}
        self._count = 0

    def __enter__(self) -> Self:
        settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        settrace(None)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        """Functions and methods of the program, and none of a library."""
        mine = event == "call" and frame.f_code.co_filename == FILE and frame.f_code.co_name[0] != "<"
        return self._stepped if mine else None

    def _stepped(self, frame: FrameType, event: str, given: Any) -> Any:
        limit = getrecursionlimit()
        try:
            setrecursionlimit(limit)
        except RecursionError:  # there would be no way back: the program has come to its end
            raise RecursionError("maximum recursion depth exceeded") from None
        setrecursionlimit(limit + _FRAMES)
        try:
            if event == "line":
                if (place := self._found.get(frame.f_lineno)) is not None:
                    self._moved(frame, self._at.get(frame), place)
            elif event == "return":
                self._at.pop(frame, None)
                self._ended(frame, given)
        finally:
            setrecursionlimit(limit)
        return self._stepped

    def _moved(self, frame: FrameType, old: Place | None, place: Place) -> None:
        if old is not None and place.block == old.block and _goes_on(old, place):
            if place.number > old.number:
                self._went_on(frame, place)
        else:
            if old is not None:
                self._ended(frame)
            self._began(frame, place, self._count)
            self._count += 1
        self._at[frame] = place

    def _began(self, frame: FrameType, place: Place, number: int) -> None:
        """A block, by its first statement."""

    def _went_on(self, frame: FrameType, place: Place) -> None:
        """To the next statement of the block."""

    def _ended(self, frame: FrameType, given: Any = None) -> None:
        """The frame's block. `given`: what the function returned or yielded at its end."""


def _goes_on(old: Place, place: Place) -> bool:
    if place.number == old.number:
        return place.again
    return place.number > old.number or place.leaves


class Counting(_Following):
    """Tells how many have begun."""

    def __init__(self, found: dict[int, Place], tell: Callable[[int], None]) -> None:
        super().__init__(found)
        self._tell = tell

    def _began(self, frame: FrameType, place: Place, number: int) -> None:
        self._tell(number + 1)
        if number + 1 >= MAX_BLOCKS:
            settrace(None)


class Recording(_Following):
    """Writes down those with certain numbers, anew with each statement.

    Args:
        until: the block at whose beginning this very process ends.
        keep: is given the number of a block and its text so far.
    """

    def __init__(
        self,
        found: dict[int, Place],
        source: Sequence[str],
        wanted: Collection[int],
        until: int,
        keep: Callable[[int, str], None],
    ) -> None:
        super().__init__(found)
        self._source, self._wanted, self._until, self._keep = source, wanted, until, keep
        self._texts: dict[FrameType, tuple[int, list[str]]] = {}
        self._first: str | None = None

    def _began(self, frame: FrameType, place: Place, number: int) -> None:
        if number >= self._until:
            _exit(0)
        function = frame.f_code.co_name
        self._first = self._first or function
        if number in self._wanted:
            title = f"[BLOCK-{number}]" if function == self._first else f"[BLOCK-{number}] in {function[:80]}"
            self._texts[frame] = (number, [title, f"{self._indent(place)}# {_values(frame)}".rstrip()])
            self._went_on(frame, place)

    def _went_on(self, frame: FrameType, place: Place) -> None:
        if (kept := self._texts.get(frame)) is not None:
            text = [line[:_LINE] for line in self._source[place.first - 1 : place.last]]
            kept[1].extend(text if len(text) <= _LINES else [*text[:_LINES], f"{self._indent(place)}..."])
            self._keep(kept[0], "\n".join(kept[1]))

    def _ended(self, frame: FrameType, given: Any = None) -> None:
        if (kept := self._texts.pop(frame, None)) is not None:
            line = kept[1][-1]
            indent = line[: len(line) - len(line.lstrip())]
            self._keep(kept[0], "\n".join([*kept[1], f"{indent}# {_values(frame, given)}".rstrip()]))

    def _indent(self, place: Place) -> str:
        line = self._source[place.first - 1][:_LINE]
        return line[: len(line) - len(line.lstrip())]


def one_line(value: object, room: int) -> str:
    """Of a value, however it shows itself."""
    return middle(short(value, _ITEMS, _LEVELS).replace("\n", " "), room, "...")


def _values(frame: FrameType, given: Any = None) -> str:
    try:
        names = [*visible(frame.f_locals), *([] if given is None else [("_ret", given)])]
        told = [f"{name}={one_line(value, _VALUE)}" for name, value in names]
    except BaseException:  # noqa: BLE001  # the program's own methods
        told = []
    return middle(" ".join(told), _VALUES, "...")
