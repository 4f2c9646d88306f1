"""Runs a program on calls and writes down what happens: runs in a cell, alone, and is imported by nobody else there.

Reads `answer.py` and `calls.json` in the working folder; prints, for each call, what was printed, returned or raised,
and the local names of the function as it ended. Everything is cut short. The program may write whatever it likes too:
the text is data, and is treated so by whoever reads it.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from banchu.experiments.incell.shown import FILE, locals_line, raised, short, shown

_PRINTED = 500


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
    source = Path(FILE).read_text(encoding="utf-8")
    calls: list[str] = json.loads(Path("calls.json").read_text(encoding="utf-8"))
    scope: dict[str, Any] = {"__name__": "answer"}
    printed = sys.stdout = _Kept()
    try:
        exec(compile(source, FILE, "exec"), scope)
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
