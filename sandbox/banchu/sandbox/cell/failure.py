"""A candidate's exception as plain data: names, a short message, the lines of its own traceback."""

from __future__ import annotations

import errno
import types

_MAX_MESSAGE = 400
_MAX_TRACE = 1500
_HEAD, _TAIL = 4, 4
_TOO_DEEP = "maximum recursion depth exceeded"
"""How deep that was, and what Python was about when it noticed, depends on its version and on what called the program.
Such a trace ends in prompts, and a recorded run is to be the same run under another Python."""
_INLINED = ("<listcomp>", "<setcomp>", "<dictcomp>")
"""Frames of their own up to Python 3.11, lines of the one around them since (PEP 709); told as the latter."""


def describe(error: BaseException, file_name: str, source: str) -> dict[str, object]:
    """What crosses to the tests. Calls the candidate's `__str__`, and survives what that does."""
    kind = type(error)
    return {
        "type": kind.__name__[:80],
        "builtin": next((base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"), "Exception"),
        "message": _message(error),
        "trace": _trace(error, file_name, source),
        # Raised by the kernel's refusal, not by a `raise PermissionError(...)` of the program's own.
        "denied": isinstance(error, OSError) and error.errno == errno.EPERM,
    }


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError):
            return f"{error.msg} (line {error.lineno})"[:_MAX_MESSAGE]
        message = str.__str__(str(error))
        too_deep = issubclass(type(error), RecursionError) and message.startswith(_TOO_DEEP)
        return _TOO_DEEP if too_deep else message[:_MAX_MESSAGE]
    except BaseException:  # noqa: BLE001  # a candidate's __str__ may raise anything
        return "(its message cannot be read)"


def _trace(error: BaseException, file_name: str, source: str) -> str:
    lines = source.splitlines()
    entries = [_line(lines, number, where) for number, where in _frames(error.__traceback__, file_name)]
    if isinstance(error, SyntaxError) and error.filename == file_name and error.lineno:
        entries.append(_line(lines, error.lineno, "<module>"))
    if len(entries) > _HEAD + _TAIL:
        skipped = "many" if issubclass(type(error), RecursionError) else len(entries) - _HEAD - _TAIL
        entries[_HEAD:-_TAIL] = [f"  ... {skipped} more calls"]
    return "\n".join(entries)[:_MAX_TRACE]


def _frames(traceback: types.TracebackType | None, file_name: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == file_name:
            inlined = found and code.co_name in _INLINED
            where = found.pop()[1] if inlined else code.co_name
            found.append((traceback.tb_lineno, where))
        traceback = traceback.tb_next
    return found


def _line(lines: list[str], number: int, where: str) -> str:
    text = lines[number - 1].strip()[:160] if 0 < number <= len(lines) else ""
    return f"  line {number}, in {where}: {text}"
