"""What a memory answers: entries with every score that chose them, so that a ledger can keep why."""

from __future__ import annotations

from dataclasses import dataclass

from banchu.memory.entry import Entry
from banchu.memory.query import Query


class WallBroken(AssertionError):
    """A store answered with an entry that the query does not allow: a bug of ours or of the store's."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One recalled entry."""

    entry: Entry
    score: float
    """Of the fused ranking, or what a policy made of it; more is nearer."""
    lexical_rank: int | None = None
    """By BM25, from 1; None: no word in common, or not among the first."""
    lexical_score: float | None = None
    """BM25 as FTS5 computes it, with its sign turned: more is nearer."""
    dense_rank: int | None = None
    """By cosine similarity, from 1; None: no vector, or not among the first."""
    similarity: float | None = None
    """Cosine, -1 to 1; None without a vector."""


@dataclass(frozen=True, slots=True)
class Recall:
    """An answer. It cannot be built with an entry that its query does not allow.

    Raises:
        WallBroken: a hit is of another arm, of the same task across tasks, of the same split, or under an oracle that
            the reader may not know.
    """

    query: Query
    hits: tuple[Hit, ...]
    """The best first."""
    embedder: str = ""
    """What the query's vector was made by; empty: words alone."""

    def __post_init__(self) -> None:
        for hit in self.hits:
            if not self.query.allows(hit.entry):
                raise WallBroken(f"entry {hit.entry.id} of {hit.entry.pool} is not for {self.query.pool}")

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(hit.entry.text for hit in self.hits)
