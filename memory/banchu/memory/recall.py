"""What a memory answers: entries with every score that chose them, so that a ledger can keep why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

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

    @property
    def tainted(self) -> bool:
        """Whether anything in it was written under an oracle: then so is whatever is made from it."""
        return any(hit.entry.oracle for hit in self.hits)

    def record(self) -> dict[str, Any]:
        """For a ledger: the query with its text's fingerprint, and of each hit its id and scores. The texts are in the
        memory, by id."""
        hits = [
            {
                "id": hit.entry.id,
                "task": hit.entry.task,
                "split": hit.entry.split,
                "episode": hit.entry.episode,
                "round": hit.entry.round,
                "oracle": hit.entry.oracle,
                "score": hit.score,
                "lexical_rank": hit.lexical_rank,
                "lexical_score": hit.lexical_score,
                "dense_rank": hit.dense_rank,
                "similarity": hit.similarity,
            }
            for hit in self.hits
        ]
        query = asdict(self.query) | {"text": self.query.fingerprint}
        return {"query": query, "embedder": self.embedder, "tainted": self.tainted, "hits": hits}


def tainted(read: Iterable[Recall]) -> bool:
    """Whether who read all of these knows something from an oracle."""
    return any(recall.tainted for recall in read)
