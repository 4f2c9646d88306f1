"""Tables of what an arm is measured against: its controls at equal budgets, and the oracle taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from banchu.analysis.budgets import BUDGETS, AtBudget
from banchu.analysis.compare import Comparison
from banchu.analysis.layout import add_number, new_table, points, signed_bounds
from banchu.analysis.oracle_parts import Gain, OracleParts
from banchu.analysis.reading import p_value, percent

if TYPE_CHECKING:
    from rich.table import Table


def budget_table(comparisons: Sequence[Comparison]) -> Table:
    """One row for each arm and control: the difference in as many rounds, and at three equal budgets."""
    from rich.markup import escape

    table = new_table("Arms against their controls, at equal budgets", "arm against its control")
    for header in ("equal\nrounds", *(f"equal\n{name}" for name in BUDGETS), "p", "p Holm", "beats it"):
        add_number(table, header)
    for c in comparisons:
        if not c.control:
            continue
        table.add_row(
            f"{escape(c.b)}\n[dim]against[/dim] {escape(c.a)}",
            f"{points(c.difference)}\n[dim]p {p_value(c.p)}[/dim]",
            *(_at(each) for each in c.budgets),
            p_value(c.p_control),
            p_value(c.p_control_holm),
            "yes" if c.beats_control else "at less cost*" if c.ahead_of_control else "not shown",
        )
    table.caption = (
        "Points by which the arm solved more than its control, the control stopped where the arm's calls, programs or "
        "tokens are spent (critiques, reflections and test writing count; * in some pairs it ended too early for "
        "that). "
        "p: the largest of the four, 1 where the arm is not ahead; Holm over the controls."
    )
    return table


def parts_table(parts: OracleParts) -> Table:
    """The two-by-two, and the gains beside it."""
    table = new_table(f"The oracle of {parts.content} taken apart, {parts.units} units", "")
    for header in ("content\nhidden", "content\nshown", "information\ngain", "95 %"):
        add_number(table, header)
    hidden, stopped, shown, both = (percent(cell.accuracy) for cell in parts.cells)
    table.add_row("does not stop", hidden, shown, *_gain(parts.information_gain))
    table.add_row("stops", stopped, both, *_gain(parts.information_gain_with_stop))
    table.add_section()
    stop_gains = (parts.stop_gain, parts.stop_gain_with_content)
    table.add_row("stop gain", *map(_points, stop_gains), *_gain(parts.interaction))
    table.add_row("95 %", *map(_bounds, stop_gains), "[dim]interaction[/dim]", "")
    table.caption = (
        "Gains in points, with paired intervals by task. interaction (below the line): either gain with the other "
        "minus without it."
    )
    return table


def _at(found: AtBudget) -> str:
    short = "*" if found.short else ""
    return f"{points(found.difference)}{short}\n[dim]p {p_value(found.p)}[/dim]"


def _points(gain: Gain | None) -> str:
    return points(gain.value if gain else None)


def _bounds(gain: Gain | None) -> str:
    return signed_bounds(gain.interval if gain else None)


def _gain(gain: Gain | None) -> tuple[str, str]:
    return _points(gain), _bounds(gain)
