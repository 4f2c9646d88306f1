"""What a memory must beat before its content was worth something: lessons of others, and none of the same length."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from banchu.core.errors import ConfigError
from banchu.memory.entry import Entry
from banchu.memory.query import Query
from banchu.memory.recall import Hit, Recall

BLANK = "."


def shuffled(entries: Iterable[Entry], query: Query, *, seed: int, instead_of: Recall | None = None) -> Recall:
    """As many entries as there would have been, drawn among all that the query allows, and none that would have been.

    The draw depends on seed, task and what may be drawn, and not on the order in which a store gives it.

    Args:
        query: across tasks: what an episode said of its own task is nobody else's.
        instead_of: what the arm would have been shown; None: `query.k` entries.

    Raises:
        ConfigError: the query is within one task.
    """
    if query.same_task:
        raise ConfigError(
            f"memory: shuffled lessons are another task's; scope {query.scope!r} holds none, use run or lasting"
        )
    shown = {hit.entry.id for hit in instead_of.hits} if instead_of else set()
    n = len(shown) if instead_of else query.k
    others = [entry for entry in entries if query.allows(entry) and entry.id not in shown]
    drawn = sorted(others, key=lambda entry: _draw(seed, query, entry))[:n]
    return Recall(query, tuple(Hit(entry, 0.0) for entry in drawn))


def blanked(texts: Iterable[str]) -> tuple[str, ...]:
    """As many texts, lines and characters, and nothing said: each mark but white space becomes a full stop."""
    return tuple("".join(mark if mark.isspace() else BLANK for mark in text) for text in texts)


def _draw(seed: int, query: Query, entry: Entry) -> str:
    return hashlib.sha256(json.dumps([seed, query.task, *query.pool, entry.id]).encode()).hexdigest()
