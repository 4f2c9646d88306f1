"""Runs one piece of Python after another in the same names, each as it is told (`banchu.sandbox.session`).

Sent into the cell as one text, so it imports nothing but the standard library. What runs here may do what it likes to
this process: then it ends, and the process outside, which keeps the time and bounds the output, says so.
"""

from __future__ import annotations

import ast
import contextlib
import linecache
import os
import sys
import traceback
import types
from typing import Any

_MARK = 16


def main() -> None:
    """Until the line is closed, or a piece exits."""
    line, empty, own = os.dup(0), os.open(os.devnull, os.O_RDONLY), os.getpid()
    os.dup2(empty, 0)
    os.close(empty)
    names = types.ModuleType("__main__")
    sys.modules["__main__"] = names
    number = 0
    while mark := _read(line, _MARK):
        number += 1
        text = _read(line, int.from_bytes(_read(line, 4), "big")).decode("utf-8", "replace")
        _run(text, f"<call {number}>", names.__dict__)
        if os.getpid() != own:  # a process that the piece has forked, and that has come to its end
            os._exit(0)
        os.write(line, mark)


def _read(line: int, length: int) -> bytes:
    data = b""
    while len(data) < length and (piece := os.read(line, length - len(data))):
        data += piece
    return data


def _run(text: str, name: str, names: dict[str, Any]) -> None:
    """One piece; the value of an expression at its end is printed."""
    try:
        body = ast.parse(text, name).body
        last = [body.pop()] if body and isinstance(body[-1], ast.Expr) else []
        trees: list[tuple[ast.Module | ast.Interactive, str]] = [
            (ast.Module(body, []), "exec"),
            (ast.Interactive(last), "single"),
        ]
        parts = [compile(tree, name, mode, dont_inherit=True) for tree, mode in trees]
    except Exception as error:  # noqa: BLE001  # also what is nested too deep, or holds a null byte
        traceback.print_exception(type(error), error, None)
        return
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        for part in parts:
            exec(part, names)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # also KeyboardInterrupt, which it may raise
        place = error.__traceback__
        traceback.print_exception(type(error), error, place and place.tb_next)
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # it may have closed or replaced them
                stream.flush()


if __name__ == "__main__":
    main()
