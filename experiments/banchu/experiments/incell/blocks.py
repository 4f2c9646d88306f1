"""Basic blocks of a program: which statements follow each other without a branch between them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from typing import Any, NamedTuple

globals()["__builtins__"] = dict(vars(builtins))  # as in forked.py

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_WITH = (ast.With, ast.AsyncWith)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Place(NamedTuple):
    """Where a statement stands, or the head of a compound one."""

    block: int
    number: int
    """In the order of the source."""
    first: int
    last: int
    """Lines, from 1."""
    again: bool
    """Its line can come up twice in one go: it has several, or a comprehension."""
    leaves: bool
    """Its line comes up once more at its end: `with`."""


def places(source: str) -> dict[int, Place]:
    """Of each line that holds a statement. The head of a loop is one block with what follows it in its body, and the
    tests of an elif chain are one; each branch begins a block, and so does what stands behind a compound statement.

    Raises SyntaxError, ValueError, RecursionError: no program.
    """
    finder = _Finder()
    finder.walk(ast.parse(source).body, new=True)
    return finder.found


class _Finder:
    def __init__(self) -> None:
        self.found: dict[int, Place] = {}
        self._blocks = self._block = self._number = 0

    def walk(self, body: Sequence[ast.stmt], new: bool) -> None:
        """`new`: whether the first of them begins a block."""
        for statement in body:
            if new or isinstance(statement, _LOOPS):
                self._begin()
            new = self._statement(statement)

    def _begin(self) -> None:
        self._blocks += 1
        self._block = self._blocks

    def _statement(self, statement: ast.stmt) -> bool:
        """Place one and all in it; whether the next begins a block."""
        body, block = _body(statement), self._block
        end = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
        self._place(statement, end)
        if isinstance(statement, _DEFINITIONS):
            self.walk(body, new=True)
            self._block = block
            return False
        if not body:
            return False
        # What a try, a with or a loop holds is reached without a branch.
        self.walk(body, new=isinstance(statement, ast.If | ast.Match))
        self._branches(statement, block)
        return True

    def _branches(self, statement: Any, block: int) -> None:
        for handler in getattr(statement, "handlers", ()):
            self._begin()
            self._place(handler, handler.body[0].lineno - 1)
            self.walk(handler.body, new=False)
        for case in getattr(statement, "cases", ())[1:]:
            self.walk(case.body, new=True)
        other: Sequence[ast.stmt] = getattr(statement, "orelse", ())
        chained = isinstance(statement, ast.If) and len(other) == 1 and isinstance(other[0], ast.If)
        if chained:
            self._block = block
        self.walk(other, new=not chained)
        self.walk(getattr(statement, "finalbody", ()), new=True)

    def _place(self, node: ast.stmt | ast.excepthandler, end: int) -> None:
        self._number += 1
        last = max(node.lineno, end)
        again = last > node.lineno or _comprehends(node)
        place = Place(self._block, self._number, node.lineno, last, again, isinstance(node, _WITH))
        for line in range(node.lineno, last + 1):
            self.found.setdefault(line, place)
        for decorator in getattr(node, "decorator_list", ()):
            self.found.setdefault(decorator.lineno, place)


def _body(statement: Any) -> Sequence[ast.stmt]:
    return statement.cases[0].body if isinstance(statement, ast.Match) else getattr(statement, "body", ())


def _comprehends(node: Any) -> bool:
    """In the statement, or in the head of a compound one."""
    if not hasattr(node, "body"):
        heads = [node]
    else:
        heads = [part for name in ("test", "iter") if (part := getattr(node, name, None)) is not None]
    return any(isinstance(inner, _COMPREHENSIONS) for head in heads for inner in ast.walk(head))
