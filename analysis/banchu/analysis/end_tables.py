"""The tables of what is counted apart from wrong answers: how episodes ended, and replies that were cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from banchu.analysis.ends import Cuts, Ends
from banchu.analysis.layout import add_number, new_table
from banchu.analysis.reading import percent
from banchu.analysis.summary import RunSummary

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("plan-\nned", "planned"),
    ("right", "right"),
    ("right,\ncut", "right_though_cut"),
    ("wrong", "wrong"),
    ("cut", "cut"),
    ("no\ncode", "no_program"),
    ("fil-\ntered", "filtered"),
    ("unjud-\nged", "unjudged"),
    ("over-\nflow", "overflow"),
    ("error", "error"),
    ("not\nrun", "not_run"),
    ("by\nbudget", "by_budget"),
)
ROUNDS_SHOWN: Final = 5
"""Of more rounds, the first ones and the last."""


def end_table(ends: Iterable[tuple[str, Ends]]) -> Table:
    """One row an arm, which is named beside its ends."""
    from rich.markup import escape

    table = new_table("How planned episodes ended, by their answer at the end", "arm")
    for header, _ in _COLUMNS:
        add_number(table, header)
    for name, found in ends:
        table.add_row(escape(name), *(str(_value(found, column)) for _, column in _COLUMNS))
    table.caption = (
        "planned = right + wrong + cut + no code + filtered + unjudged + overflow + error + not run; accuracy is "
        "right of all but unjudged. wrong: a whole program. cut: by the token limit, and not right (right, cut: right "
        "all the same). overflow, error: a model error. by budget: ended by the episode's own, counted where they are."
    )
    return table


def cut_table(summary: RunSummary) -> Table:
    """One row for each arm and role of which a reply was cut."""
    shown = _rounds_shown(max((arm.rounds for arm in summary.arms), default=0))
    table = new_table("Replies cut by the token limit", "arm, role")
    for round_ in shown:
        add_number(table, f"r{round_}")
    for header in ("all", "%", "of them\nright"):
        add_number(table, header)
    for arm in summary.arms:
        for cuts in arm.cuts:
            if cuts.cut:
                right = str(cuts.right) if cuts.role == "actor" else "–"
                share = percent(cuts.cut / cuts.replies, unit="")
                every = f"{cuts.cut}/{cuts.replies}"
                table.add_row(f"{arm.arm}\n[dim]{cuts.role}[/dim]", *_cells(cuts, shown), every, share, right)
    table.caption = (
        "Cut / given, by round. actor: attempts, cut by --max-tokens. Others have limits of their own besides: "
        "critic 256, reflector 160, tester 512 tokens."
    )
    return table


def anything_cut(summary: RunSummary) -> bool:
    """Whether there is a row for `cut_table`."""
    return any(cuts.cut for arm in summary.arms for cuts in arm.cuts)


def _cells(cuts: Cuts, shown: Sequence[int]) -> list[str]:
    pairs = dict(enumerate(cuts.by_round))
    found = [pairs.get(round_, (0, 0)) for round_ in shown]
    return [f"{cut}/{replies}" if replies else "–" for cut, replies in found]


def _value(ends: Ends, name: str) -> int:
    found: int = getattr(ends, name)
    return found


def _rounds_shown(rounds: int) -> list[int]:
    return list(range(rounds + 1)) if rounds < ROUNDS_SHOWN else [*range(ROUNDS_SHOWN - 1), rounds]
