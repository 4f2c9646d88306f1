"""Tables of what happens inside an arm: how good its gate is, what tests it wrote, how much it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from banchu.analysis.edits import FLIP_CLASSES, REWRITTEN_BELOW, ArmEdits, Edits
from banchu.analysis.gate_quality import GateQuality, Rate, WrittenTests
from banchu.analysis.layout import add_number, bounds, new_table
from banchu.analysis.reading import percent

if TYPE_CHECKING:
    from rich.table import Table


def gate_table(gates: Sequence[GateQuality]) -> Table:
    """One row an arm whose source or gate accepts and rejects: the four counts, and the rates of both views."""
    table = new_table("Feedback as a judge of attempts", "arm")
    headers = ("TP", "FP", "FN", "TN", "accepted\nof right", "accepted\nof wrong", "right of\naccepted")
    for header in (*headers, "right of\nrejected", "silent"):
        add_number(table, header)
    for gate in gates:
        by_answer, by_decision = (
            (gate.accepted_of_right, gate.accepted_of_wrong),
            (gate.right_of_accepted, gate.right_of_rejected),
        )
        table.add_row(
            f"{gate.arm}\n[dim]{gate.source} accepts[/dim]",
            *map(str, (gate.true_accepts, gate.false_accepts, gate.false_rejects, gate.true_rejects)),
            *map(_rate, (*by_answer, *by_decision)),
            str(gate.silent + gate.unjudged),
        )
    table.caption = (
        "Attempts by what the feedback said and what the sealed tests say: TP accepted and right, FP accepted and "
        "wrong, FN rejected and right, TN rejected and wrong; % with Wilson intervals at the effective number of "
        "tasks. silent: attempts of which it said nothing, or that are unjudged."
    )
    return table


def written_table(written: Sequence[WrittenTests]) -> Table:
    """One row an arm that writes tests."""
    table = new_table("Tests that the model wrote", "arm")
    for header in (
        "episodes",
        "without\na test",
        "tests",
        "repeated",
        "right %",
        "episodes with\na wrong one %",
        "unknown",
    ):
        add_number(table, header)
    for tests in written:
        table.add_row(
            tests.arm,
            str(tests.episodes),
            str(tests.none_written),
            str(tests.tests),
            str(tests.duplicates),
            _rate(tests.holds),
            _rate(tests.episodes_with_a_wrong_test),
            str(tests.unknown),
        )
    table.caption = (
        "right: the reference solution passes the test. An episode with a wrong test rejects the reference solution. "
        "unknown: never tried on it."
    )
    return table


def edit_table(edits: Sequence[ArmEdits]) -> Table:
    """One row an arm, then one for each flip class that occurred."""
    table = new_table("Change between consecutive attempts", "arm")
    for header in ("pairs", "similarity\n(median)", "unchanged %", "rewritten %", "no program"):
        add_number(table, header)
    for arm in edits:
        table.add_row(arm.arm, *_edit_cells(arm.all), str(arm.without_program))
        for flip in FLIP_CLASSES:
            if arm.by_flip[flip].pairs:
                table.add_row(f"  [dim]{flip}[/dim]", *_edit_cells(arm.by_flip[flip]), "")
    table.caption = (
        "similarity: 1 - characters inserted and deleted / length of both programs (Kumar et al. 2024). rewritten: "
        f"below {REWRITTEN_BELOW}. no program: pairs left out because one holds none."
    )
    return table


def _edit_cells(edits: Edits) -> tuple[str, str, str, str]:
    shown = "–" if edits.median is None else f"{edits.median:.2f}"
    shares = (percent(edits.unchanged_share, unit=""), percent(edits.rewritten_share, unit=""))
    return str(edits.pairs), shown, *shares


def _rate(rate: Rate) -> str:
    return "–" if rate.value is None else f"{percent(rate.value, unit='')}\n[dim]{bounds(rate.interval)}[/dim]"
