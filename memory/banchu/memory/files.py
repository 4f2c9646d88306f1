"""Entries out of a file that nobody writes to meanwhile: a lasting memory, or JSON lines as `banchu memory export`."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from banchu.core.errors import DataError
from banchu.memory.codec import from_line, to_line
from banchu.memory.entry import Entry, in_order
from banchu.memory.lasting.schema import FORMAT, trouble

_SQLITE: Final = b"SQLite format 3\0"


def read_entries(path: Path) -> list[Entry]:
    """All entries of a file, oldest first. The file is not changed.

    Raises:
        DataError: there is none, it is of another kind, or a line is no entry.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
            if start == _SQLITE:
                return in_order(_from_sqlite(path))
            text = (start + file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{str(path)!r} is neither a memory nor JSON lines; see `banchu memory export`") from None
    except OSError as error:
        raise DataError(
            f"memory {str(path)!r} cannot be read: {error.strerror or error}; name a file or a run"
        ) from None
    found = []
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: JSON may hold U+2028 as it is
        if line.strip():
            try:
                found.append(from_line(line))
            except DataError as error:
                raise DataError(f"{str(path)!r}, line {number}: {error}") from None
    return in_order(found)


def digest_of(entries: Iterable[Entry]) -> str:
    """sha256 of what the entries say, whatever file they lie in and whatever embedded them."""
    lines = sorted(to_line(entry.embedded_by("")) for entry in entries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _from_sqlite(path: Path) -> list[Entry]:
    try:
        with closing(sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True, timeout=5.0)) as db:
            if db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() != (FORMAT,):
                raise DataError(f"{str(path)!r} is no memory that this banchu reads ({FORMAT}); name another file")
            return [from_line(detail) for (detail,) in db.execute("SELECT detail FROM details")]
    except sqlite3.Error as error:
        if "no such table" in str(error):
            raise DataError(f"{str(path)!r} is no memory of banchu; name another file") from None
        raise trouble(path, error) from None
