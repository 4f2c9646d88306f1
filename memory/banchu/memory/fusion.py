"""Two rankings into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from banchu.core.errors import ConfigError
from banchu.memory.entry import Entry
from banchu.memory.query import Query
from banchu.memory.recall import Hit, Recall

K: Final = 60
"""Source: Cormack, Clarke & Büttcher 2009, Reciprocal Rank Fusion (SIGIR), which fixes it at 60."""
DEPTH: Final = 100
"""How far down each ranking is read, unless a query asks for more."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the searches brought up, by number: a store's own name of an entry, smaller where it came earlier."""

    lexical: tuple[tuple[int, float], ...] = ()
    """(number, BM25), the best first."""
    dense: tuple[tuple[int, float], ...] = ()
    """(number, cosine), the nearest first."""


def depth(query: Query) -> int:
    """How many of each ranking a store should bring up."""
    return max(DEPTH, 4 * query.k)


def reciprocal(*rankings: Iterable[int]) -> dict[int, float]:
    """Each number's sum of 1 / (60 + rank) over the rankings that hold it, ranks from 1."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (K + rank)
    return scores


def fuse(
    query: Query,
    found: Found,
    *,
    embedder: str,
    entries: Callable[[list[int]], Mapping[int, Entry]],
    similarities: Callable[[list[int]], Mapping[int, float]],
) -> Recall:
    """The answer: the k best of both rankings together; of equal ones the earlier.

    Args:
        entries: reads entries by number; of those that are gone meanwhile it gives none.
        similarities: of numbers that the dense ranking did not reach; none where there is no vector.
    """
    lexical_rank = {number: rank for rank, (number, _) in enumerate(found.lexical, 1)}
    dense_rank = {number: rank for rank, (number, _) in enumerate(found.dense, 1)}
    scores = reciprocal(lexical_rank, dense_rank)
    order = sorted(scores, key=lambda number: (-scores[number], number))
    bm25, cosine = dict(found.lexical), dict(found.dense)
    if query.threshold is not None:
        cosine |= similarities([number for number in order if number not in cosine])
        order = [number for number in order if cosine.get(number, -2.0) >= query.threshold]
    order = order[: query.k]
    cosine |= similarities([number for number in order if number not in cosine])
    known = entries(order)
    hits = [
        Hit(
            known[number],
            scores[number],
            lexical_rank.get(number),
            bm25.get(number),
            dense_rank.get(number),
            cosine.get(number),
        )
        for number in order
        if number in known
    ]
    return Recall(query, tuple(hits), embedder)


def check_threshold(query: Query, embedder: str) -> None:
    """Raises ConfigError where a similarity is asked for that nobody can compute."""
    if query.threshold is not None and not embedder:
        raise ConfigError(
            f"memory: threshold={query.threshold:g} is a similarity, and this memory has no embedder; "
            f"choose one, or leave the threshold out"
        )
