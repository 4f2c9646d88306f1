"""Putting entries into a file and taking them out, inside a transaction of the caller's."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from banchu.memory.codec import from_line, to_line
from banchu.memory.entry import Entry, Pool
from banchu.memory.words import words


def spelt(pool: int, word: str) -> str:
    """A word as the index has it. Each pool has words of its own: no search of one can meet an entry of another."""
    return f"p{pool}x{word}"


def find_pool(db: sqlite3.Connection, pool: Pool) -> int | None:
    row = db.execute("SELECT id FROM pools WHERE scope = ? AND key = ? AND arm = ?", pool).fetchone()
    return row[0] if row else None


def put(db: sqlite3.Connection, entries: Sequence[Entry], vectors: NDArray[np.float32] | None) -> None:
    """Add these; of those with the id of another, what was there is taken out first.

    Args:
        vectors: (len(entries), dims), of what each entry says is its embedder; None: they have none.
    """
    terms: Counter[tuple[int, str]] = Counter()
    pools: dict[Pool, int] = {}
    sizes: Counter[int] = Counter()
    for at, entry in enumerate(entries):
        row = db.execute(
            "SELECT number, detail FROM entries JOIN details USING (number) WHERE id = ?", (entry.id,)
        ).fetchone()
        line = to_line(entry)
        if row and row[1] == line:
            continue
        if row:
            # What was counted so far is written first, for it may be what is taken out.
            _count(db, terms, sizes)
            take_out(db, [row[0]])
        if entry.pool not in pools:
            pools[entry.pool] = _pool(db, entry.pool)
        pool = pools[entry.pool]
        number = _insert(db, entry, pool, line)
        if vectors is not None:
            data = np.ascontiguousarray(vectors[at], dtype="<f4").tobytes()
            db.execute("INSERT INTO vectors VALUES (?, ?, ?)", (number, entry.embedder, data))
        found = words(entry.indexed)
        body = " ".join(spelt(pool, word) for word in found)
        db.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (number, body))
        terms.update((pool, word) for word in set(found))
        sizes[pool] += 1
    _count(db, terms, sizes)


def take_out(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Remove these entries, their words and their vectors."""
    terms: Counter[tuple[int, str]] = Counter()
    sizes: Counter[int] = Counter()
    for number in numbers:
        pool, detail = db.execute(
            "SELECT pool, detail FROM entries JOIN details USING (number) WHERE number = ?", (number,)
        ).fetchone()
        found = words(from_line(detail).indexed)
        body = " ".join(spelt(pool, word) for word in found)
        db.execute("INSERT INTO words (words, rowid, body) VALUES ('delete', ?, ?)", (number, body))
        for table in ("entries", "details", "vectors"):
            db.execute(f"DELETE FROM {table} WHERE number = ?", (number,))
        terms.subtract((pool, word) for word in set(found))
        sizes[pool] -= 1
    touched = list(terms)
    _count(db, terms, sizes)
    db.executemany("DELETE FROM terms WHERE pool = ? AND term = ? AND entries = 0", touched)
    db.execute("UPDATE meta SET value = value + ? WHERE key = 'removed'", (len(numbers),))


def _pool(db: sqlite3.Connection, pool: Pool) -> int:
    db.execute("INSERT OR IGNORE INTO pools (scope, key, arm, entries) VALUES (?, ?, ?, 0)", pool)
    found = find_pool(db, pool)
    assert found is not None
    return found


def _insert(db: sqlite3.Connection, entry: Entry, pool: int, line: str) -> int:
    cursor = db.execute(
        "INSERT INTO entries (id, pool, task, split, fingerprint, oracle, succeeded, place) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.id,
            pool,
            entry.task,
            entry.split,
            entry.fingerprint,
            entry.oracle,
            entry.succeeded,
            entry.order,
        ),
    )
    assert cursor.lastrowid is not None
    db.execute("INSERT INTO details VALUES (?, ?)", (cursor.lastrowid, line))
    return cursor.lastrowid


def _count(db: sqlite3.Connection, terms: Counter[tuple[int, str]], sizes: Counter[int]) -> None:
    db.executemany(
        "INSERT INTO terms VALUES (?, ?, ?) "
        "ON CONFLICT (pool, term) DO UPDATE SET entries = entries + excluded.entries",
        [(pool, term, n) for (pool, term), n in terms.items()],
    )
    db.executemany("UPDATE pools SET entries = entries + ? WHERE id = ?", [(n, pool) for pool, n in sizes.items()])
    terms.clear()
    sizes.clear()
