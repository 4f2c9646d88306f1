"""Finds Python in text by parsing it: which lines parse, and where they stop.

Nothing here guesses from the look of a line where code begins or ends. All functions accept any text and never raise.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from banchu.core.source import parse as source_tree

MAX_TEXT: Final = 60_000
"""Characters of a reply that are looked at; no answer to one function comes near."""
_BUDGET: Final = 1_000_000
"""Characters parsed for one text, all tries together: a reply that is slow to read costs a second, not minutes."""
_LOOK_AHEAD: Final = 60
"""Lines that decide whether code starts at a line. A first statement in one bracket or string longer than this is
not found outside a fence."""

_UNREADABLE: Final = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, SystemError)
"""What CPython raises for source it cannot read: null bytes and lone surrogates are ValueError, depth the next two."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines that parse together."""

    source: str
    module: ast.Module
    torn: bool = False
    """The next line belongs to the last statement and does not parse: that statement is not what its author wrote."""


class Budget:
    """Counts what parsing one text costs."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def allows(self, characters: int) -> bool:
        """Takes the cost of parsing so much off; False once nothing is left."""
        self._left -= characters
        return self._left > 0


def normalised(text: str) -> str:
    """Any line ending becomes a newline; null bytes and a byte order mark go; overlong text loses its end."""
    text = text[: 2 * MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "").lstrip("\ufeff")[:MAX_TEXT]


def parse(source: str) -> ast.Module | None:
    """The syntax tree, or None where `source` does not parse."""
    return _read(source)[0]


def compiles(source: str) -> bool:
    """Whether Python would run it: stricter than parsing (`return` outside a function)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<answer>", "exec", dont_inherit=True)
        except _UNREADABLE:
            return False
    return True


def longest_prefix(lines: Sequence[str], budget: Budget | None = None) -> tuple[int, ast.Module]:
    """(n, tree) for the largest n such that the first n lines parse together; n is 0 where none do.

    The line of a syntax error is a bound: no longer prefix can parse, so few prefixes are tried.
    """
    budget = budget or Budget()
    end = len(lines)
    while end > 0:
        source = "\n".join(lines[:end]) + "\n"
        if not budget.allows(len(source)):
            break
        module, bad_line = _read(source)
        if module is not None:
            return end, module
        end = min(end - 1, bad_line - 1)
    return 0, ast.Module([], [])


def chunks(text: str) -> list[Chunk]:
    """The parseable stretches of `text` in order; a line that starts none is prose and is skipped."""
    lines, found, at, budget = text.split("\n"), [], 0, Budget()
    while at < len(lines):
        if not lines[at].strip() or _is_prose(lines, at, budget):
            at += 1
            continue
        block = dedented(lines[at:])
        count, module = longest_prefix(block, budget)
        if module.body:
            following = next((line for line in block[count:] if line.strip()), "")
            found.append(Chunk("\n".join(block[:count]) + "\n", module, torn=following[:1].isspace()))
        at += max(count, 1)
    return found


def _is_prose(lines: list[str], at: int, budget: Budget) -> bool:
    """Whether no code starts at this line, by a look at the next few: reading all that follows costs too much."""
    source = "\n".join(dedented(lines[at : at + _LOOK_AHEAD])) + "\n"
    # Prose fails on its first line, which is most of the cost.
    return not budget.allows(200 + len(lines[at])) or _read(source)[1] == 1


def dedented(lines: list[str]) -> list[str]:
    """The lines up to the first that is indented less than the first one, without that indent."""
    indent = leading_space(lines[0])
    if not indent:
        return lines
    kept: list[str] = []
    for line in lines:
        if line.strip() and not line.startswith(indent):
            break
        kept.append(line.removeprefix(indent))
    return kept


def leading_space(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _read(source: str) -> tuple[ast.Module | None, int]:
    """(tree, 0), or (None, the line of the error)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in the candidate's string is not ours to report
        try:
            return source_tree(source), 0
        except _UNREADABLE as error:
            lineno = error.lineno if isinstance(error, SyntaxError) else None
            return None, lineno or source.count("\n") + 1
