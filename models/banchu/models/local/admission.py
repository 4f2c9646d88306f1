"""Which of the waiting requests join the batch next, and together."""

from __future__ import annotations

from banchu.models.local.batch import Batch, Row
from banchu.models.local.prefixes import WORTH, common

ALIKE = 0.8
"""Rows are read together where the shorter has at least this share of the longer's tokens: padding costs like any."""


class Waiting:
    """Rows that are not in the batch yet.

    Args:
        max_rows: in the batch at most.
        prefill_tokens: read in one pass at most, padding included; bounds its memory, and how long the others wait.
    """

    def __init__(self, max_rows: int, prefill_tokens: int) -> None:
        self._max_rows = max_rows
        self._prefill_tokens = prefill_tokens
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def next(self, batch: Batch) -> list[Row]:
        """Those that are read now; they wait no longer. Empty where none is, or there is no room."""
        room = self._max_rows - len(batch)
        if room <= 0 or not self._rows:
            return []
        unread = {row.ticket: len(row.prompt) - batch.shared(row.prompt) for row in self._rows}
        # Longest first: they are at work longest, and what is short fills up the rest.
        self._rows.sort(key=lambda row: -unread[row.ticket])
        chosen: list[Row] = []
        for row in self._rows:
            n, width = unread[row.ticket], unread[chosen[0].ticket] if chosen else unread[row.ticket]
            if len(chosen) == room or (chosen and n < ALIKE * width):
                break
            if chosen and width * (len(chosen) + 1) > self._prefill_tokens:
                break
            # One that begins as another that is read now waits for it, and need not read that part itself.
            if any(_gains(row, n, other) for other in chosen):
                continue
            if not batch.has_room([*chosen, row]):
                break
            chosen.append(row)
        tickets = {row.ticket for row in chosen}
        self._rows = [row for row in self._rows if row.ticket not in tickets]
        return chosen


def _gains(row: Row, unread: int, other: Row) -> bool:
    known = len(row.prompt) - unread
    return min(common(row.prompt, other.prompt), len(row.prompt) - 1) >= known + WORTH
