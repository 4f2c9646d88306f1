"""The tables of a memory's file, and opening one.

WAL and `synchronous=FULL`: what was committed survives SIGKILL and, where the disk does what it says, a power cut.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

from banchu.core.errors import DataError, StorageError

FORMAT: Final = "banchu memory 1"
"""Changes with the tables, and with `words`: what is taken out of the index must be what was put in."""
PATIENCE_S: Final = 30.0
_CACHE_KIB: Final = 65_536
_TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE pools (id INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL, arm TEXT NOT NULL, "
    "entries INTEGER NOT NULL, UNIQUE (scope, key, arm))",
    # Numbers grow in the order of commits, so whoever read up to one knows what is new. One that was taken out may be
    # given again, and `removed` says that.
    "CREATE TABLE entries (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pool INTEGER NOT NULL, "
    "task TEXT NOT NULL, split TEXT NOT NULL, fingerprint TEXT NOT NULL, oracle INTEGER NOT NULL, "
    "succeeded INTEGER NOT NULL, place INTEGER NOT NULL)",
    # Apart: a search looks at a thousand rows of `entries`, which then lie on few pages.
    "CREATE TABLE details (number INTEGER PRIMARY KEY, detail TEXT NOT NULL)",
    "CREATE INDEX entries_of_pool ON entries (pool)",
    "CREATE TABLE vectors (number INTEGER PRIMARY KEY, embedder TEXT NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE terms (pool INTEGER NOT NULL, term TEXT NOT NULL, entries INTEGER NOT NULL, "
    "PRIMARY KEY (pool, term)) WITHOUT ROWID",
    # Without content: words are spelt with their pool, which nobody reads back.
    "CREATE VIRTUAL TABLE words USING fts5 (body, content='', tokenize='ascii')",
    "INSERT INTO meta VALUES ('removed', 0)",
    f"INSERT INTO meta VALUES ('format', '{FORMAT}')",
)


def open_file(path: Path) -> sqlite3.Connection:
    """A connection to the memory at `path`, which is made where there is none.

    Raises:
        DataError: there is another kind of file.
        StorageError: it cannot be opened or made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise trouble(path, error) from None
    try:
        _in_wal(db)
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        db.execute("BEGIN IMMEDIATE")
        if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            for statement in _TABLES:
                db.execute(statement)
        db.execute("COMMIT")
        found = _format(db)
    except sqlite3.Error as error:
        db.close()
        raise trouble(path, error) from None
    if found != FORMAT:
        db.close()
        raise DataError(
            f"{str(path)!r} is {found or 'no memory of banchu'}, this banchu reads {FORMAT}; name another file"
        )
    return db


def trouble(path: Path, error: Exception) -> StorageError | DataError:
    """What went wrong with the file, as one line."""
    said = str(error)
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return DataError(f"{str(path)!r} is no memory of banchu ({said}); name another file")
    cure = "free space, or name another file" if "full" in said else "see that it can be written, or name another file"
    if "locked" in said:
        cure = "another process holds it; end that, or try again"
    return StorageError(f"memory {str(path)!r}: {said}; {cure}")


def _in_wal(db: sqlite3.Connection) -> None:
    """Turning to WAL does not wait for others as every other statement does."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _format(db: sqlite3.Connection) -> str:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return ""
    row = db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    return str(row[0]) if row else ""
