"""Values, names and tracebacks of a program, each cut short."""

from __future__ import annotations

import builtins
import reprlib
from types import FrameType, TracebackType
from typing import Any

globals()["__builtins__"] = dict(vars(builtins))  # as in forked.py

FILE = "answer.py"
"""What programs are called in a cell."""
_LINES = 4
_TOO_DEEP = "maximum recursion depth exceeded"
_NAMES = 12
_LARGE = 10**18


class _Short(reprlib.Repr):
    def __init__(self, items: int, levels: int) -> None:
        super().__init__()
        self.maxlevel = levels
        self.maxstring = self.maxother = self.maxlong = 200
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = items


def shown(names: dict[str, Any]) -> dict[str, str]:
    """Names with short values; none that Python itself made."""
    return {name: short(value) for name, value in visible(names)}


def visible(names: dict[str, Any]) -> list[tuple[str, Any]]:
    """The first names that Python did not make itself."""
    return [(name, value) for name, value in names.items() if not name.startswith(("__", "."))][:_NAMES]


def short(value: object, items: int = 20, levels: int = 6) -> str:
    """As it shows itself, `items` of each container and `levels` of them."""
    try:
        if value is None or type(value) in (bool, float) or (type(value) is int and -_LARGE < value < _LARGE):
            return repr(value)
        return _Short(items, levels).repr(value)
    except Exception:  # noqa: BLE001  # the program's own __repr__, or a number that Python refuses to print
        return f"<{type(value).__name__}>"


def middle(text: str, room: int, gap: str = "\n...\n") -> str:
    """`text`, or its two ends where it is longer than `room`."""
    if len(text) <= room:
        return text
    left = room - len(gap)
    return f"{text[: left - left // 2]}{gap}{text[len(text) - left // 2 :]}"


def raised(error: BaseException, source: str) -> list[str]:
    """The traceback through the program's own lines, and the locals where it ended."""
    places: list[tuple[FrameType, int]] = []
    step: TracebackType | None = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == FILE:
            places.append((step.tb_frame, step.tb_lineno))
        step = step.tb_next
    lines = source.split("\n")
    told = ["Traceback (most recent call last):"]
    if len(places) > _LINES:
        # How many fit is the interpreter's affair, and another's differs.
        more = "many" if issubclass(type(error), RecursionError) else len(places) - _LINES
        told.append(f"  ... {more} more calls ...")
    for frame, number in places[-_LINES:]:
        text = lines[number - 1].strip()[:200] if 0 < number <= len(lines) else ""
        told.append(f"  line {number}, in {frame.f_code.co_name}: {text}")
    if isinstance(error, SyntaxError) and error.filename == FILE:
        told.append(f"  line {error.lineno}: {(error.text or '').strip()[:200]}")
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)[:500]
    except Exception:  # noqa: BLE001  # the program's own __str__
        message = ""
    if issubclass(type(error), RecursionError) and message.startswith(_TOO_DEEP):
        message = _TOO_DEEP  # not what Python was about when it noticed
    told.append(f"{type(error).__name__}: {message}" if message else type(error).__name__)
    if places and places[-1][0].f_code.co_name != "<module>":
        told += locals_line(shown(places[-1][0].f_locals))
    return told


def locals_line(names: dict[str, str]) -> list[str]:
    return ["locals: " + ", ".join(f"{name} = {value}" for name, value in names.items())] if names else []
