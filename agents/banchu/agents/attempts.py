"""How an earlier attempt is shown to the model, and how much of it and of what was said about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from banchu.agents.quoting import quoted
from banchu.core.episode import Attempt


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters of an earlier attempt, of feedback, and of one reflection that a prompt may hold."""

    attempt: int
    feedback: int
    reflection: int


CHAT_LIMITS: Final = Limits(attempt=8000, feedback=4000, reflection=1500)
COMPLETION_LIMITS: Final = Limits(attempt=1200, feedback=600, reflection=300)  # for contexts of 2048 tokens


def shown(attempt: Attempt, limit: int) -> str:
    """Its program, or its reply where none could be read; quoted, at most `limit` characters of it."""
    return quoted(attempt.text, limit) if attempt.code is None else quoted(attempt.code, limit, "python")
