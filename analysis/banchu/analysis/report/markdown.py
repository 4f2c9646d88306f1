"""Markdown out of what is printed: the tables and lines of the terminal, caught before they become text.

`Recorder` stands where a console is asked for, so a table that `print_summary` learns to print is in the report too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Recorder(Console):
    """A console that prints nothing and keeps the tables and lines it was given, in order."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=200)
        self.seen: list[Table | str] = []

    def print(self, *objects: Any, **options: Any) -> None:
        self.seen += [found if isinstance(found, Table) else plain(found) for found in objects]


def from_rich(table: Table) -> str:
    """A rich table as a heading, a Markdown table and its caption."""
    parts = []
    if table.title:
        parts.append(f"### {inline(plain(table.title))}")
    alignment = ["---:" if column.justify == "right" else "---" for column in table.columns]
    headers = [plain(column.header).replace("\n", " ") for column in table.columns]
    cells = zip(*(map(plain, column.cells) for column in table.columns), strict=True)
    parts.append(as_table(headers, cells, alignment))
    if table.caption:
        parts.append(inline(plain(table.caption)))
    return "\n\n".join(parts)


def as_table(headers: Sequence[str], rows: Iterable[Sequence[object]], alignment: Sequence[str] = ()) -> str:
    """A Markdown table; cells are plain text, whatever they hold."""
    lines = [
        [cell(header) for header in headers],
        alignment or ["---"] * len(headers),
        *([cell(str(value)) for value in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(found: Any) -> str:
    """What a rich cell, header or line says, without its markup."""
    if isinstance(found, Text):
        return found.plain
    return Text.from_markup(found).plain if isinstance(found, str) else str(found)


def cell(text: str) -> str:
    """Text as it stands, in one cell."""
    return "<br>".join(re.sub(r"([\\`*|<>\[\]])", r"\\\1", line.strip()) for line in text.strip().splitlines())


def inline(text: str) -> str:
    """A sentence in which `code` keeps its backticks and nothing else is markup."""
    return re.sub(r"([\\*|<>\[\]])", r"\\\1", " ".join(text.split()))
