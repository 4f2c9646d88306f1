"""Where results go: tables to a person, JSON to a program."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(_printable(json.dumps(value, indent=2, ensure_ascii=False)))


def _printable(text: str) -> str:
    """With halves of surrogate pairs, which a model may say and no terminal takes, as JSON writes them."""
    return text.encode("utf-8", "backslashreplace").decode()


def console(*, stderr: bool = False) -> Console:
    """A console that keeps tables readable when they are piped into a file."""
    from rich.console import Console

    found = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not found.is_terminal:
        # Without a terminal rich assumes 80 columns and cuts tables that a file has room for.
        found = Console(stderr=stderr, highlight=False, width=max(found.width, 120))
    return found


def print_table(columns: Iterable[str], rows: Iterable[Iterable[object]], *, title: str | None = None) -> None:
    """A plain table on stdout; None is a dash. Cells are shown as they are: `lst[i]` is no markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("-" if cell is None else _printable(str(cell))) for cell in row))
    console().print(table)
