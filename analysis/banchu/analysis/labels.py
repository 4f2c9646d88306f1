"""What must stand beside every number of an arm: where its feedback came from, and what the sealed tests did for it.

Source: Kamoi et al. 2024, "When Can LLMs Actually Correct Their Own Mistakes?" (TACL), sections 2 and 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from banchu.analysis.arms import ArmSummary
from banchu.analysis.layout import add_number, new_table
from banchu.analysis.summary import RunSummary
from banchu.core.arm import Fairness, Kind

if TYPE_CHECKING:
    from rich.table import Table

_KINDS: dict[Kind, str] = {"none": "no feedback", "intrinsic": "intrinsic", "external": "external", "oracle": "oracle"}
_FAIR: dict[Fairness, str] = {
    "fair-symmetric": "fair",
    "fair-asymmetric": "fair-asym.",
    "unfair-asymmetric": "unfair",
}


def label(arm: ArmSummary) -> str:
    """One line, such as `intrinsic, realistic, fair`."""
    return f"{_KINDS[arm.kind]}, {'realistic' if arm.realistic else 'unrealistic'}, {_FAIR[arm.fair]}"


def label_table(summary: RunSummary) -> Table:
    """One row an arm, every label in full."""
    table = new_table("Labels", "arm")
    for header in ("what its figures are", "feedback", "realistic", "fair"):
        table.add_column(header, overflow="fold")
    for header in ("oracle\nstops", "oracle\ncalls", "sealed\ntext"):
        add_number(table, header)
    for arm in summary.arms:
        table.add_row(
            arm.arm,
            arm.measure,
            _KINDS[arm.kind],
            "yes" if arm.realistic else "no",
            arm.fair,
            "yes" if arm.oracle_stops else "no",
            str(arm.oracle_calls),
            sealed_count(arm),
        )
    table.caption = (
        "realistic: can be run without hidden tests. fair: what correction may use against what the first answer could "
        "(asymmetric: an interpreter, or more). sealed text: prompts that hold text of the sealed tests."
    )
    return table


def sealed_count(arm: ArmSummary) -> str:
    """Prompts with sealed text, in red where the arm may not see any."""
    count = str(arm.prompts_with_sealed_text)
    return f"[bold red]{count}[/bold red]" if arm.prompts_with_sealed_text and not arm.oracle else count
