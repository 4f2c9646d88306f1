"""How an earlier attempt is shown to the model."""

from __future__ import annotations

from banchu.agents.quoting import quoted
from banchu.core.episode import Attempt


def shown(attempt: Attempt, limit: int) -> str:
    """Its program, or its reply where none could be read; quoted, at most `limit` characters of it."""
    return quoted(attempt.text, limit) if attempt.code is None else quoted(attempt.code, limit, "python")
