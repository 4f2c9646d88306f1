"""How every table looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from banchu.analysis.arms import Accuracy
from banchu.analysis.intervals import Interval
from banchu.analysis.reading import percent

if TYPE_CHECKING:
    from rich.table import Table


def new_table(title: str, first_column: str) -> Table:
    """A table whose first column folds, so that no number is ever cut."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column(first_column, overflow="fold", min_width=12)
    return table


def add_number(table: Table, header: str) -> None:
    table.add_column(header, justify="right", no_wrap=True)


def share(accuracy: Accuracy) -> str:
    """`25.0 %` over `3/12`."""
    return f"{percent(accuracy.value)}\n[dim]{accuracy.solved}/{accuracy.n}[/dim]"


def bounds(interval: Interval | None) -> str:
    """`14–61`, in percent."""
    return "–" if interval is None else f"{100 * interval.low:.0f}–{100 * interval.high:.0f}"


def points(difference: float | None) -> str:
    """A difference of two fractions as `+4.2` percentage points."""
    return "–" if difference is None else f"{100 * difference:+.1f}"


def signed_bounds(interval: Interval | None) -> str:
    """Two lines, in percentage points."""
    return "–" if interval is None else f"{points(interval.low)}\n{points(interval.high)}"


def thousands(number: int) -> str:
    """`950`, `18.0k`, `1.2M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{letter}"
    return str(number)
