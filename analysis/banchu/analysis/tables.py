"""The figures as rich tables: readable at 100 columns, and as plain text when piped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from banchu.analysis.arms import ArmSummary
from banchu.analysis.compare import Comparison
from banchu.analysis.control_tables import budget_table, parts_table
from banchu.analysis.detail import flip_table, sample_table
from banchu.analysis.end_tables import anything_cut, cut_table, end_table
from banchu.analysis.labels import label, label_table, sealed_count
from banchu.analysis.layout import add_number, bounds, new_table, points, share, signed_bounds, thousands
from banchu.analysis.oracle_parts import sentences
from banchu.analysis.quality_tables import gate_table, written_table
from banchu.analysis.reading import budget_caveats, caveats, p_value, percent, read
from banchu.analysis.reasoning import reasoning_table
from banchu.analysis.summary import RunSummary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ROUNDS_SHOWN = 4
"""Of more rounds, the first ones and the last."""
WIDTH = 100
"""Columns that one table of arms needs; a narrower terminal gets it in two."""

Column = tuple[str, Callable[[ArmSummary], str]]


def print_summary(summary: RunSummary, console: Console, *, detail: bool = False) -> None:
    """The arms, the notes, the comparisons and their readings; with `detail` every other table that has data."""
    narrow = console.is_terminal and console.width < WIDTH
    for table in arm_tables(summary) if narrow else (arm_table(summary),):
        print_wide(console, table)
    _print_lines(console, summary.notes)
    if detail:
        for table in detail_tables(summary):
            print_wide(console, table)
    if summary.comparisons:
        print_comparisons(summary.comparisons, console, budgets=detail)
    for parts in summary.oracle_parts if detail else ():
        if not parts.missing:
            print_wide(console, parts_table(parts))
    _print_lines(console, sentences(parts for parts in summary.oracle_parts if detail or not parts.missing))


def detail_tables(summary: RunSummary) -> list[Table]:
    """Ends, labels, flips and pass@k of every arm; cuts, gates, written tests and reasoning where there are any."""
    found = [
        end_table((arm.arm, arm.ends) for arm in summary.arms),
        *([cut_table(summary)] if anything_cut(summary) else []),
    ]
    found += [label_table(summary), flip_table(summary), sample_table(summary)]
    if gates := [arm.gate for arm in summary.arms if arm.gate]:
        found.append(gate_table(gates))
    if written := [arm.written_tests for arm in summary.arms if arm.written_tests]:
        found.append(written_table(written))
    if any(arm.tokens.reasoning for arm in summary.arms):
        found.append(reasoning_table(summary))
    return found


def print_comparisons(comparisons: Sequence[Comparison], console: Console, *, budgets: bool = True) -> None:
    """The comparison table with a sentence for each row; arms against their controls at equal budgets before that."""
    print_wide(console, comparison_table(comparisons))
    if budgets and any(comparison.control for comparison in comparisons):
        print_wide(console, budget_table(comparisons))
    lines = [(read(c), *caveats(c), *(budget_caveats(c) if budgets else ())) for c in comparisons]
    _print_lines(console, [line for several in lines for line in several])


def arm_table(summary: RunSummary) -> Table:
    """One row an arm; below its name what its numbers may be called, below each accuracy its count."""
    return _arm_table(summary, [*_accuracy_columns(summary), *_cost_columns()])


def arm_tables(summary: RunSummary) -> tuple[Table, Table]:
    """The same in two tables of at most 80 columns: what was right, and what it cost."""
    return _arm_table(summary, _accuracy_columns(summary)), _arm_table(
        summary, _cost_columns(), title="Cost and oracle"
    )


def _arm_table(summary: RunSummary, columns: Sequence[Column], title: str = "Accuracy of the last attempt") -> Table:
    table = new_table(f"{title}, {_size(summary)}", "arm")
    for header, _ in columns:
        add_number(table, header)
    for arm in summary.arms:
        table.add_row(f"{arm.arm}\n[dim]{arm.claims}\n{label(arm)}[/dim]", *(cell(arm) for _, cell in columns))
    if any(header == "any*" for header, _ in columns):
        end = "the end" if _own_rounds(summary) else f"r{summary.rounds}"
        table.caption = (
            f"95 %: interval at {end}. *any: some attempt was right, a bound that only an oracle reaches. "
            f"c→i, i→c: correct and incorrect, r0 to {end}. sealed: prompts with text of the sealed tests."
        )
    return table


def _accuracy_columns(summary: RunSummary) -> list[Column]:
    return [
        *((f"r{round_}", partial(_share_at, round_)) for round_ in _rounds_shown(summary.rounds)),
        *([("end", lambda arm: share(arm.accuracy[-1]))] if _own_rounds(summary) else []),
        ("95 %", lambda arm: bounds(arm.accuracy[-1].interval)),
        ("any*", lambda arm: share(arm.any_attempt_upper_bound)),
        ("c→i", lambda arm: "–" if arm.flips is None else str(arm.flips.correct_incorrect)),
        ("i→c", lambda arm: "–" if arm.flips is None else str(arm.flips.incorrect_correct)),
    ]


def _cost_columns() -> list[Column]:
    return [
        ("tokens", lambda arm: thousands(arm.tokens.total)),
        ("oracle\ncalls", lambda arm: str(arm.oracle_calls)),
        ("sealed\ntext", sealed_count),
    ]


def _share_at(round_: int, arm: ArmSummary) -> str:
    return share(arm.accuracy[min(round_, arm.rounds)])


def _own_rounds(summary: RunSummary) -> bool:
    """Whether some arm has another number of rounds than the run."""
    return any(arm.rounds != summary.rounds for arm in summary.arms)


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """One row a pair: b against a."""
    from rich.markup import escape

    table = new_table("Paired comparison, last attempts", "b against a")
    for header in ("pairs", "b %", "a %", "b − a", "95 %", "b only", "a only", "p", "p Holm"):
        add_number(table, header)
    for c in comparisons:
        table.add_row(
            f"{escape(c.b)}\n[dim]against{' its control' if c.control else ''}[/dim] {escape(c.a)}",
            str(c.pairs),
            percent(c.accuracy_b, unit=""),
            percent(c.accuracy_a, unit=""),
            points(c.difference),
            signed_bounds(c.interval),
            str(c.b_only),
            str(c.a_only),
            p_value(c.p),
            p_value(c.p_holm),
        )
    table.caption = (
        "b − a in points, with a paired interval by task. "
        "b only, a only: pairs that one of them solved. p: exact, two-sided (McNemar; by task with repeats)."
    )
    return table


def print_wide(console: Console, table: Table) -> None:
    """A table of which nothing is cut, however narrow the console."""
    # Rich crops what does not fit, and a pipe is 80 columns to it: a count that is silently gone is a false table.
    console.print(table, width=max(console.width, WIDTH), crop=False)


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    from rich.text import Text

    for line in lines:
        # Text, not markup: arm names and task ids may hold brackets.
        console.print(Text(f"• {line}"))


def _size(summary: RunSummary) -> str:
    tasks = f"{summary.tasks} task{'' if summary.tasks == 1 else 's'}"
    return tasks if summary.repeats == 1 else f"{tasks} × {summary.repeats} repeats"


def _rounds_shown(rounds: int) -> list[int]:
    return list(range(rounds + 1)) if rounds < ROUNDS_SHOWN else [*range(ROUNDS_SHOWN - 1), rounds]
