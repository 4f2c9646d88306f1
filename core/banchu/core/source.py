"""Python source to a tree, also while other threads parse."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_TRIES = 5


def parse(source: str) -> ast.Module:
    """As `ast.parse`, whose guard against recursion is confused when another thread parses in the middle of it.

    CPython before 3.12.2 and 3.11.8 then raises SystemError for a source in which nothing is wrong (gh-106905).

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse`.
    """
    return _again(lambda: ast.parse(source))


def parse_expression(source: str) -> ast.expr:
    """As `parse`, of one expression."""
    return _again(lambda: ast.parse(source, mode="eval")).body


def _again(attempt: Callable[[], T]) -> T:
    for _ in range(_TRIES):
        try:
            return attempt()
        except SystemError:
            continue
    return attempt()
