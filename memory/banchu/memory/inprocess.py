"""A memory that lives as long as its process: for episodes, tests, and whoever wants nothing on disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from banchu.core.embedder import Embedder
from banchu.memory import bm25
from banchu.memory.entry import Entry, Pool, in_order
from banchu.memory.fusion import Found, check_threshold, depth, fuse
from banchu.memory.query import Query, Selection
from banchu.memory.recall import Recall
from banchu.memory.shelf import Facts, Shelf, one_width
from banchu.memory.words import rare, words


class InProcessMemory:
    """Entries in dictionaries, vectors in a matrix for each pool. `Memory`, and nothing survives the process."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder
        self._entries: dict[int, Entry] = {}
        self._numbers: dict[str, int] = {}
        self._vectors: dict[int, NDArray[np.float32]] = {}
        self._shelves: dict[Pool, Shelf] = {}
        self._postings: defaultdict[Pool, defaultdict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
        self._lengths: dict[int, int] = {}
        self._next = 0
        self._total = 0

    @property
    def id(self) -> str:
        return f"in process+{self._embedder.id}" if self._embedder else "in process"

    async def remember(self, *entries: Entry) -> None:
        vectors = await self._embedder.embed([entry.indexed for entry in entries]) if self._embedder else None
        for at, entry in enumerate(entries):
            self._remove(entry.id)
            self._add(entry, None if vectors is None else vectors[at])

    async def recall(self, query: Query) -> Recall:
        embedder = self._embedder.id if self._embedder else ""
        check_threshold(query, embedder)
        vector = (await self._embedder.embed([query.text]))[0] if self._embedder else None
        shelf = self._shelf(query.pool)
        dense: tuple[tuple[int, float], ...] = ()
        if shelf is not None and vector is not None:
            dense = shelf.nearest(query, vector, depth(query))
        return fuse(
            query,
            Found(self._lexical(query), dense),
            embedder=embedder,
            entries=lambda numbers: {number: self._entries[number] for number in numbers},
            similarities=lambda numbers: (
                shelf.similarities(numbers, vector) if shelf is not None and vector is not None else {}
            ),
        )

    async def forget(self, which: Selection) -> int:
        gone = [entry.id for entry in self._entries.values() if which.covers(entry)]
        for id in gone:
            self._remove(id)
        return len(gone)

    async def entries(self, which: Selection) -> list[Entry]:
        return in_order(entry for entry in self._entries.values() if which.covers(entry))

    async def aclose(self) -> None:
        return None

    def _add(self, entry: Entry, vector: NDArray[np.float32] | None) -> None:
        number, self._next = self._next, self._next + 1
        if vector is not None and self._embedder:
            entry = entry.embedded_by(self._embedder.id)
            self._vectors[number] = vector
        self._entries[number] = entry
        self._numbers[entry.id] = number
        found = Counter(words(entry.indexed))
        self._lengths[number] = found.total()
        self._total += found.total()
        for word, count in found.items():
            self._postings[entry.pool][word][number] = count

    def _remove(self, id: str) -> None:
        if (number := self._numbers.pop(id, None)) is None:
            return
        entry = self._entries.pop(number)
        self._vectors.pop(number, None)
        self._total -= self._lengths.pop(number)
        for word in set(words(entry.indexed)):
            del self._postings[entry.pool][word][number]
        self._shelves.pop(entry.pool, None)

    def _shelf(self, pool: Pool) -> Shelf | None:
        """The pool's matrix with all that was remembered since it was last wanted."""
        shelf = self._shelves.get(pool)
        last = shelf.last if shelf else -1
        new = [n for n in self._later(last) if n in self._vectors and self._entries[n].pool == pool]
        if not new:
            return shelf
        one_width(len(self._vectors[number]) for number in new)
        vectors = np.stack([self._vectors[number] for number in new])
        if shelf is None:
            shelf = self._shelves[pool] = Shelf(vectors.shape[1], len(new))
        shelf.add(new, (Facts.of(self._entries[number]) for number in new), vectors)
        return shelf

    def _later(self, last: int) -> Sequence[int]:
        """Numbers after `last`; entries are kept in their order."""
        found = []
        for number in reversed(self._entries):
            if number <= last:
                break
            found.append(number)
        return found[::-1]

    def _lexical(self, query: Query) -> tuple[tuple[int, float], ...]:
        postings = self._postings.get(query.pool)
        if not postings or not self._entries:
            return ()
        counts = {word: len(postings[word]) for word in set(words(query.text)) if word in postings}
        scores: defaultdict[int, float] = defaultdict(float)
        mean = self._total / len(self._entries)
        for word in rare(counts):
            weight = bm25.weight(len(self._entries), counts[word])
            for number, count in postings[word].items():
                scores[number] += bm25.term(weight, count, self._lengths[number], mean)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        return tuple(islice((item for item in best if query.allows(self._entries[item[0]])), depth(query)))
