"""Calls of a function in running text, such as `f(3) ==> 12` in a docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from banchu.core.source import parse, parse_expression

_LONGEST: Final = 2000
"""Characters of a call; a parenthesis that is never closed is not looked for beyond."""


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call with literal arguments, somewhere in a text."""

    text: str
    """On one line, as Python would write it."""
    end: int
    """Where it ends in the text it was found in."""


def written_calls(text: str, name: str) -> Iterator[WrittenCall]:
    """The calls of `name` with literal arguments, in order. A head (`def f(x)`) or a formula (`f(n - 1)`) is none."""
    for match in re.finditer(rf"(?<![\w.]){re.escape(name)}[ \t]*\(", text):
        found = _closed(text[match.start() : match.start() + _LONGEST])
        if found is not None:
            call, length = found
            yield WrittenCall(call, match.start() + length)


def literal(text: str) -> ast.expr | None:
    """A Python literal, or None."""
    try:
        value = parse_expression(text.strip())
        ast.literal_eval(value)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return value


def _closed(text: str) -> tuple[str, int] | None:
    """The call that `text` begins with, and its length."""
    for match in re.finditer(r"\)", text):
        try:
            node = parse(text[: match.end()]).body[0]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        call = node.value if isinstance(node, ast.Expr) else None
        # What parses is the call; with other than literals it is a head or a formula.
        return (ast.unparse(call), match.end()) if isinstance(call, ast.Call) and _literals(call) else None
    return None


def _literals(call: ast.Call) -> bool:
    if any(keyword.arg is None for keyword in call.keywords):
        return False
    return all(literal(ast.unparse(value)) is not None for value in (*call.args, *(k.value for k in call.keywords)))
