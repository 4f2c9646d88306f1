"""The tables for a second look: flips with both denominators, and pass@k of independent samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from banchu.analysis.layout import add_number, new_table, points, signed_bounds
from banchu.analysis.reading import p_value, percent
from banchu.analysis.summary import RunSummary

if TYPE_CHECKING:
    from rich.table import Table


def flip_table(summary: RunSummary) -> Table:
    """One row an arm: the four-way table and SCoRe's rates, of all tasks and of the first answers they concern."""
    table = new_table("Flips from the first answer to the last", "arm")
    for header in ("c→c", "c→i", "i→c", "i→i", "Δ", "95 %", "p", "i→c\n% all", "c→i\n% all", "fixed\n%", "broken\n%"):
        add_number(table, header)
    for arm in summary.arms:
        flips = arm.flips
        if flips is None:
            table.add_row(arm.arm, *["–"] * 11)
            continue
        table.add_row(
            arm.arm,
            str(flips.correct_correct),
            str(flips.correct_incorrect),
            str(flips.incorrect_correct),
            str(flips.incorrect_incorrect),
            points(flips.delta),
            signed_bounds(arm.delta_interval),
            p_value(arm.delta_p),
            percent(flips.ic_of_all, unit=""),
            percent(flips.ci_of_all, unit=""),
            percent(flips.ic_of_incorrect, unit=""),
            percent(flips.ci_of_correct, unit=""),
        )
    table.caption = (
        "Δ in points, with paired interval by task and exact p (not corrected). "
        "fixed: i→c of the answers that were incorrect; broken: c→i of those that were correct. "
        "Independent samples flip too: compare an arm with `none`."
    )
    return table


def sample_table(summary: RunSummary) -> Table:
    """One row for each arm and k."""
    table = new_table("pass@k of independent samples", "arm")
    for header in ("k", "pass@k", "tasks", "left out"):
        add_number(table, header)
    for arm in summary.arms:
        if arm.oracle:
            table.add_row(f"{arm.arm}\n[dim]{arm.measure}[/dim]", "–", "–", "–", "–")
        for sample in arm.pass_at_k:
            table.add_row(
                arm.arm, str(sample.k), percent(sample.estimate), str(sample.tasks), str(sample.tasks_left_out)
            )
    table.caption = "Unbiased (Chen et al. 2021). Arms other than `none` give their first attempts only."
    return table
