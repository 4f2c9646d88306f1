"""What of an arm's answers was reasoning, which is paid for and no part of any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from banchu.analysis.layout import add_number, new_table, thousands
from banchu.analysis.reading import percent
from banchu.analysis.summary import RunSummary

if TYPE_CHECKING:
    from rich.table import Table


def reasoning_table(summary: RunSummary) -> Table:
    """One row an arm, and one below it for each of its roles that reasoned, where more than one role spoke."""
    table = new_table("Reasoning tokens, of completion tokens", "arm")
    for header in ("reasoning", "completion", "share %"):
        add_number(table, header)
    for arm in summary.arms:
        rows = [(arm.arm, arm.tokens)]
        if len(arm.tokens_by_role) > 1:
            rows += [
                (f"[dim]  {role}[/dim]", tokens) for role, tokens in arm.tokens_by_role.items() if tokens.reasoning
            ]
        for name, tokens in rows:
            share = tokens.reasoning / tokens.completion if tokens.completion else None
            table.add_row(name, thousands(tokens.reasoning), thousands(tokens.completion), percent(share, unit=""))
    table.caption = (
        "As the server counts them; 0 may mean that it does not. A reply that is all reasoning holds no text."
    )
    return table
