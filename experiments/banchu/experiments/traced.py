"""Runs a program on calls and writes down what happens: runs in a cell, alone, and is imported by nobody else there.

Reads `answer.py` and `calls.json` in the working folder; prints, for each call, what was printed, returned or raised,
and the local names of the function as it ended. Everything is cut short. The program may write whatever it likes too:
the text is data, and is treated so by whoever reads it.
"""

from __future__ import annotations

import io
import json
import reprlib
import sys
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

_FILE = "answer.py"
_PRINTED = 500
_LINES = 4
_NAMES = 12


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 200
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 20


class _Kept(io.StringIO):
    """Standard output, the beginning of it."""

    def write(self, text: str) -> int:
        if self.tell() < _PRINTED:
            super().write(text[: _PRINTED - self.tell()])
        return len(text)


class Trace:
    """Local names of the function under test, as its outermost call ended."""

    def __init__(self, code: CodeType | None) -> None:
        self._code = code
        self._outermost: FrameType | None = None
        self.locals: dict[str, str] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if self._outermost is None and event == "call" and frame.f_code is self._code:
            self._outermost = frame
            frame.f_trace_lines = False
            return self._ended
        return None

    def _ended(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "return":
            self.locals = shown(frame.f_locals)
        return self._ended


def shown(names: dict[str, Any]) -> dict[str, str]:
    """Names with short values; none that Python itself made."""
    mine = [(name, value) for name, value in names.items() if not name.startswith(("__", "."))]
    return {name: short(value) for name, value in mine[:_NAMES]}


def short(value: object) -> str:
    try:
        return _Short().repr(value)
    except Exception:  # noqa: BLE001  # the program's own __repr__, or a number that Python refuses to print
        return f"<{type(value).__name__}>"


def raised(error: BaseException, source: str) -> list[str]:
    """The traceback through the program's own lines, and the locals where it ended."""
    places: list[tuple[FrameType, int]] = []
    step: TracebackType | None = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == _FILE:
            places.append((step.tb_frame, step.tb_lineno))
        step = step.tb_next
    lines = source.split("\n")
    told = ["Traceback (most recent call last):"]
    if len(places) > _LINES:
        told.append(f"  ... {len(places) - _LINES} more calls ...")
    for frame, number in places[-_LINES:]:
        text = lines[number - 1].strip()[:200] if 0 < number <= len(lines) else ""
        told.append(f"  line {number}, in {frame.f_code.co_name}: {text}")
    if isinstance(error, SyntaxError) and error.filename == _FILE:
        told.append(f"  line {error.lineno}: {(error.text or '').strip()[:200]}")
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)[:500]
    except Exception:  # noqa: BLE001  # the program's own __str__
        message = ""
    told.append(f"{type(error).__name__}: {message}" if message else type(error).__name__)
    if places and places[-1][0].f_code.co_name != "<module>":
        told += locals_line(shown(places[-1][0].f_locals))
    return told


def locals_line(names: dict[str, str]) -> list[str]:
    return ["locals: " + ", ".join(f"{name} = {value}" for name, value in names.items())] if names else []


def told_of_call(call: str, scope: dict[str, Any], source: str) -> list[str]:
    """What became of one call, in lines."""
    named = scope.get(call.partition("(")[0])
    trace = Trace(getattr(getattr(named, "__wrapped__", named), "__code__", None))
    printed = sys.stdout = _Kept()
    try:
        sys.settrace(trace)
        try:
            value = eval(call, scope)
        finally:
            sys.settrace(None)
        told = [f"returned: {short(value)}", *locals_line(trace.locals)]
    except BaseException as error:  # noqa: BLE001  # whatever it raises is what is told
        told = raised(error, source)
    finally:
        sys.stdout = sys.__stdout__
    return [*_printed("printed", printed), *told]


def main() -> None:
    """One section a call, each written before the next begins: a program may end this process."""
    source = Path(_FILE).read_text(encoding="utf-8")
    calls: list[str] = json.loads(Path("calls.json").read_text(encoding="utf-8"))
    scope: dict[str, Any] = {"__name__": "answer"}
    printed = sys.stdout = _Kept()
    try:
        exec(compile(source, _FILE, "exec"), scope)
        told = [] if calls else ["The code loads without an error."]
    except BaseException as error:  # noqa: BLE001  # as above
        told, calls = ["Loading the code fails.", *raised(error, source)], []
    finally:
        sys.stdout = sys.__stdout__
    _say([*_printed("printed while loading", printed), *told])
    for call in calls:
        _say([f">>> {call}"])
        _say([*told_of_call(call, scope, source), ""])


def _printed(when: str, kept: _Kept) -> list[str]:
    text = kept.getvalue().rstrip()
    return [f"{when}: {text}"] if text else []


def _say(lines: list[str]) -> None:
    for line in lines:
        print(line.encode("utf-8", "replace").decode(), flush=True)


if __name__ == "__main__":
    main()
