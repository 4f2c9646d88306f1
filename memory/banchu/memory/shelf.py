"""The vectors of one pool in one matrix, with what the wall asks of each row beside them.

A plain scan: exact, and bounded by how fast memory is read (4 bytes × dims × entries). An index would be faster from
some hundred thousand entries on, and would give other neighbours on other machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from banchu.core.errors import DataError
from banchu.memory.entry import Entry
from banchu.memory.query import Query

_START: Final = 64
_DIGITS: Final = 5
"""Of a cosine. Equal vectors, as of two lessons on one task, differ in the seventh by where they lie in the matrix."""


class Facts(NamedTuple):
    """What the wall asks of an entry."""

    task: str
    split: str
    fingerprint: str
    oracle: bool
    succeeded: bool
    order: int

    @classmethod
    def of(cls, entry: Entry) -> Facts:
        return cls(entry.task, entry.split, entry.fingerprint, entry.oracle, entry.succeeded, entry.order)


def one_width(widths: Iterable[int]) -> int:
    """The width of all these vectors. Raises DataError where they have several."""
    found = sorted(set(widths))
    if len(found) != 1:
        raise DataError(
            f"a memory's vectors are {' and '.join(map(str, found))} wide under one name: its embedder changed; "
            f"name another memory, or forget this one"
        )
    return found[0]


class Shelf:
    """Rows in ascending order of number, which only grows; whoever takes one out begins a new shelf."""

    def __init__(self, dims: int, room: int = _START) -> None:
        self.dims = dims
        self._n = 0
        self._vectors = np.zeros((max(room, 1), dims), dtype=np.float32)
        self._numbers = np.zeros(max(room, 1), dtype=np.int64)
        self._facts = np.zeros((6, max(room, 1)), dtype=np.int64)
        self._codes: dict[str, int] = {"": 0}

    def __len__(self) -> int:
        return self._n

    @property
    def last(self) -> int:
        """The greatest number; -1: none."""
        return int(self._numbers[self._n - 1]) if self._n else -1

    def add(self, numbers: Sequence[int], facts: Iterable[Facts], vectors: NDArray[np.float32]) -> None:
        """Rows with greater numbers than all before.

        Args:
            vectors: (len(numbers), dims), of unit length.

        Raises:
            DataError: they have another width.
        """
        one_width((vectors.shape[1], self.dims))
        end = self._n + len(numbers)
        self._grow(end)
        rows = slice(self._n, end)
        self._vectors[rows] = vectors
        self._numbers[rows] = numbers
        for at, fact in zip(range(self._n, end), facts, strict=True):
            self._facts[:, at] = (
                self._code(fact.task),
                self._code(fact.split),
                self._code(fact.fingerprint),
                fact.oracle,
                fact.succeeded,
                fact.order,
            )
        self._n = end

    def nearest(self, query: Query, vector: NDArray[np.float32], n: int) -> tuple[tuple[int, float], ...]:
        """(number, cosine) of the `n` nearest rows that the query allows; of equal ones the earlier first.

        Raises DataError for a vector of another width.
        """
        if not self._n or not n:
            return ()
        one_width((len(vector), self.dims))
        scores = self._vectors[: self._n] @ vector
        rows = np.flatnonzero(self._allowed(query))
        if rows.size > n:
            kept = scores[rows]
            # Everything as near as the n-th: which of equals a partition keeps is chance.
            rows = rows[kept >= np.partition(kept, rows.size - n)[rows.size - n] - 2 * 10**-_DIGITS]
        near = np.round(scores[rows].astype(np.float64), _DIGITS)
        order = np.lexsort((rows, -near))[:n]
        return tuple((int(self._numbers[rows[at]]), float(near[at])) for at in order)

    def similarities(self, numbers: Sequence[int], vector: NDArray[np.float32]) -> dict[int, float]:
        """The cosine of those that are here."""
        if not self._n:
            return {}
        rows = np.searchsorted(self._numbers[: self._n], np.asarray(numbers, dtype=np.int64))
        here = [
            (number, row)
            for number, row in zip(numbers, rows, strict=True)
            if row < self._n and self._numbers[row] == number
        ]
        return {number: round(float(self._vectors[row] @ vector), _DIGITS) for number, row in here}

    def _allowed(self, query: Query) -> NDArray[np.bool_]:
        """`Query.allows`, of all rows at once; the pool is the shelf's."""
        task, split, fingerprint, oracle, succeeded, order = self._facts[:, : self._n]
        wanted = self._codes.get(query.task, -1)
        if query.same_task:
            found: NDArray[np.bool_] = task == wanted
        else:
            found = (task != wanted) & (split != self._codes.get(query.split, -1))
            if query.fingerprint:
                found &= fingerprint != self._codes.get(query.fingerprint, -1)
        if not query.oracle:
            found &= oracle == 0
        if query.only_successes:
            found &= succeeded == 1
        if query.before is not None:
            found &= order < query.before
        return found

    def _code(self, word: str) -> int:
        return self._codes.setdefault(word, len(self._codes))

    def _grow(self, n: int) -> None:
        room = len(self._numbers)
        if n <= room:
            return
        room = max(n, 2 * room)
        for name, shape in (("_vectors", (room, self.dims)), ("_numbers", (room,))):
            old = getattr(self, name)
            new = np.zeros(shape, dtype=old.dtype)
            new[: self._n] = old[: self._n]
            setattr(self, name, new)
        facts = np.zeros((6, room), dtype=np.int64)
        facts[:, : self._n] = self._facts[:, : self._n]
        self._facts = facts
