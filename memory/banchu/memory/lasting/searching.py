"""Finding entries in a file: by words in its index, by vectors in a matrix that is kept in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from banchu.memory.codec import from_line
from banchu.memory.entry import Entry
from banchu.memory.fusion import depth
from banchu.memory.lasting.writing import spelt
from banchu.memory.query import Query
from banchu.memory.shelf import Facts, Shelf, one_width
from banchu.memory.words import rare, words

_CHUNK: Final = 4096
_VALUES: Final = 900
"""That one statement may bind; 999 in SQLite's oldest builds."""


def lexical(db: sqlite3.Connection, pool: int, query: Query) -> tuple[tuple[int, float], ...]:
    """(number, BM25) of the best entries that the query allows, the best first, of equal ones the earlier."""
    asked = sorted(set(words(query.text)))
    counts: dict[str, int] = {}
    for start in range(0, len(asked), _VALUES):
        some = asked[start : start + _VALUES]
        marks = ", ".join("?" * len(some))
        counts |= db.execute(f"SELECT term, entries FROM terms WHERE pool = ? AND term IN ({marks})", (pool, *some))
    chosen = rare(counts)
    if not chosen:
        return ()
    wall, values = _wall(pool, query)
    match = " OR ".join(f'"{spelt(pool, word)}"' for word in chosen)
    found = db.execute(
        # CROSS: the index first, whatever the planner thinks of the other table.
        "SELECT e.number, -bm25(words) AS score FROM words CROSS JOIN entries e ON e.number = words.rowid "
        f"WHERE words MATCH ? AND {wall} ORDER BY score DESC, e.number LIMIT ?",
        (match, *values, depth(query)),
    )
    return tuple((int(number), float(score)) for number, score in found)


def fill(db: sqlite3.Connection, pool: int, embedder: str, shelf: Shelf | None) -> Shelf | None:
    """The pool's matrix with the rows that came since, from whatever process. Raises DataError for another width."""
    rows = db.execute(
        "SELECT e.number, e.task, e.split, e.fingerprint, e.oracle, e.succeeded, e.place, v.data "
        "FROM entries e JOIN vectors v ON v.number = e.number "
        "WHERE e.pool = ? AND e.number > ? AND v.embedder = ? ORDER BY e.number",
        (pool, shelf.last if shelf else -1, embedder),
    )
    while chunk := rows.fetchmany(_CHUNK):
        dims = one_width(len(row[7]) // 4 for row in chunk)
        if shelf is None:
            room = db.execute("SELECT entries FROM pools WHERE id = ?", (pool,)).fetchone()[0]
            shelf = Shelf(dims, room)
        vectors = np.frombuffer(b"".join(row[7] for row in chunk), dtype="<f4").reshape(len(chunk), -1)
        facts = [Facts(row[1], row[2], row[3], bool(row[4]), bool(row[5]), row[6]) for row in chunk]
        shelf.add([row[0] for row in chunk], facts, vectors)
    return shelf


def read(db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, Entry]:
    """Entries by number."""
    found: dict[int, Entry] = {}
    for start in range(0, len(numbers), _VALUES):
        some = numbers[start : start + _VALUES]
        marks = ", ".join("?" * len(some))
        rows = db.execute(f"SELECT number, detail FROM details WHERE number IN ({marks})", list(some))
        found |= {number: from_line(detail) for number, detail in rows}
    return found


def _wall(pool: int, query: Query) -> tuple[str, list[Any]]:
    """`Query.allows` as SQL."""
    tests: list[tuple[str, Any]] = [("e.pool = ?", pool)]
    if query.same_task:
        tests.append(("e.task = ?", query.task))
    else:
        tests += [("e.task <> ?", query.task), ("e.split <> ?", query.split)]
        if query.fingerprint:
            tests.append(("e.fingerprint <> ?", query.fingerprint))
    if not query.oracle:
        tests.append(("e.oracle = ?", 0))
    if query.only_successes:
        tests.append(("e.succeeded = ?", 1))
    if query.before is not None:
        tests.append(("e.place < ?", query.before))
    return " AND ".join(test for test, _ in tests), [value for _, value in tests]
