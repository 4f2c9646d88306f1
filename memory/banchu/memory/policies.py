"""Which entries a prompt may show, as pure functions of what a memory holds.

A policy that searches is a `Query` with its `k`, its threshold and `only_successes`; these are the one that does not,
and what may be done to an answer afterwards. All give a `Recall`, so the wall and the record are the same for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from banchu.core.errors import ConfigError
from banchu.memory.entry import Entry, in_order
from banchu.memory.query import Query
from banchu.memory.recall import Hit, Recall


def window(entries: Iterable[Entry], query: Query) -> Recall:
    """The last `query.k` that the query allows, oldest first.

    Source: Shinn et al. 2023, Reflexion, section 3: a sliding window of 1 to 3.
    """
    allowed = in_order(entry for entry in entries if query.allows(entry))
    return Recall(query, tuple(Hit(entry, 1.0) for entry in allowed[-query.k :] if query.k))


def decayed(recall: Recall, *, now: int, half_life: float, k: int) -> Recall:
    """The k best once each score is halved for every `half_life` episodes of age; of equal ones the younger first.

    Age is counted in the run's seeded order, never in seconds, so a slow machine remembers as a fast one does.

    Args:
        recall: with more than k hits, or there is nothing to choose from.
        now: the order of the reading episode.

    Raises:
        ConfigError: the half-life is not above 0.
    """
    if half_life <= 0:
        raise ConfigError(f"memory: half-life {half_life:g} is not above 0; it is counted in episodes")
    aged = [replace(hit, score=hit.score * 0.5 ** (max(0, now - hit.entry.order) / half_life)) for hit in recall.hits]
    aged.sort(key=lambda hit: (-hit.score, -hit.entry.order, hit.entry.id))
    return replace(recall, hits=tuple(aged[:k]))
