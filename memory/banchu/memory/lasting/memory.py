"""The memory in a file, for any number of processes at once.

SQLite is asked in a thread, so that whoever else runs on the event loop is not held up; numpy and SQLite let others run
meanwhile. A commit is one transaction with its own fsync: what `remember` acknowledged is on the disk, whole.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from banchu.core.embedder import Embedder
from banchu.core.errors import StorageError
from banchu.memory.codec import from_line
from banchu.memory.entry import Entry, Pool, in_order
from banchu.memory.fusion import Found, check_threshold, depth, fuse
from banchu.memory.lasting.schema import open_file, trouble
from banchu.memory.lasting.searching import fill, lexical, read
from banchu.memory.lasting.writing import find_pool, put, take_out
from banchu.memory.query import Query, Selection
from banchu.memory.recall import Recall
from banchu.memory.shelf import Shelf

_T = TypeVar("_T")


class SqliteMemory:
    """`Memory` in one file: words in FTS5, vectors as blobs of float32 that are scanned in memory.

    The first recall with an embedder reads its vectors, 4 bytes × dims × entries, and keeps them.

    Raises:
        DataError: there is another kind of file.
        StorageError: it cannot be opened or made.
    """

    def __init__(self, path: Path, embedder: Embedder | None = None) -> None:
        self.path = path
        self._embedder = embedder
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = open_file(path)
        self._shelves: dict[int, Shelf] = {}
        self._removed = 0

    @property
    def id(self) -> str:
        return f"sqlite+{self._embedder.id}" if self._embedder else "sqlite"

    async def remember(self, *entries: Entry) -> None:
        if not entries:
            return
        vectors: NDArray[np.float32] | None = None
        if self._embedder:
            vectors = await self._embedder.embed([entry.indexed for entry in entries])
            entries = tuple(entry.embedded_by(self._embedder.id) for entry in entries)
        else:
            entries = tuple(entry.embedded_by("") for entry in entries)

        def work(db: sqlite3.Connection) -> None:
            with _transaction(db):
                put(db, entries, vectors)

        await self._do(work)

    async def recall(self, query: Query) -> Recall:
        embedder = self._embedder.id if self._embedder else ""
        check_threshold(query, embedder)
        vector = (await self._embedder.embed([query.text]))[0] if self._embedder else None
        return await self._do(lambda db: self._recall(db, query, embedder, vector))

    async def forget(self, which: Selection) -> int:
        def work(db: sqlite3.Connection) -> int:
            with _transaction(db):
                gone = [number for number, _ in _covered(db, which)]
                take_out(db, gone)
            return len(gone)

        return await self._do(work)

    async def entries(self, which: Selection) -> list[Entry]:
        return in_order(await self._do(lambda db: [entry for _, entry in _covered(db, which)]))

    async def aclose(self) -> None:
        def close() -> None:
            with self._lock:
                db, self._db = self._db, None
                if db:
                    db.close()
                self._shelves.clear()

        await asyncio.to_thread(close)

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        def locked() -> _T:
            with self._lock:
                if self._db is None:
                    raise StorageError(f"memory {str(self.path)!r} is closed")
                try:
                    return work(self._db)
                except sqlite3.Error as error:
                    raise trouble(self.path, error) from None

        return await asyncio.to_thread(locked)

    def _recall(
        self, db: sqlite3.Connection, query: Query, embedder: str, vector: NDArray[np.float32] | None
    ) -> Recall:
        # One transaction: counts, index, matrix and texts are of the same moment, whatever others write.
        with _transaction(db, "DEFERRED"):
            pool = find_pool(db, query.pool)
            if pool is None:
                return Recall(query, (), embedder)
            shelf = self._shelf(db, pool, embedder) if vector is not None else None
            near = shelf.nearest(query, vector, depth(query)) if shelf and vector is not None else ()
            return fuse(
                query,
                Found(lexical(db, pool, query), near),
                embedder=embedder,
                entries=lambda numbers: read(db, numbers),
                similarities=lambda numbers: (
                    shelf.similarities(numbers, vector) if shelf and vector is not None else {}
                ),
            )

    def _shelf(self, db: sqlite3.Connection, pool: int, embedder: str) -> Shelf | None:
        removed = db.execute("SELECT value FROM meta WHERE key = 'removed'").fetchone()[0]
        if removed != self._removed:  # by whatever process, of whatever pool: begin anew, since it is seldom
            self._shelves.clear()
            self._removed = removed
        shelf = fill(db, pool, embedder, self._shelves.get(pool))
        if shelf is not None:
            self._shelves[pool] = shelf
        return shelf


@contextmanager
def _transaction(db: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    db.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # a full disk has already rolled it back
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _covered(db: sqlite3.Connection, which: Selection) -> list[tuple[int, Entry]]:
    found: list[tuple[int, Entry]] = []
    pools = [row[0] for row in db.execute("SELECT id, scope, key, arm FROM pools") if which.holds(Pool(*row[1:]))]
    for pool in pools:
        rows = db.execute("SELECT number, detail FROM entries JOIN details USING (number) WHERE pool = ?", (pool,))
        for number, detail in rows:
            entry = from_line(detail)
            if which.covers(entry):
                found.append((number, entry))
    return found
