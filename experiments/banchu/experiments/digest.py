"""One sha256 of what happened in a run: two runs with the same one have the same ledger, times aside.

Every row of every table is in it, whatever columns a table has or gets, but for what `LEFT_OUT` names. Episodes are
named by task, arm and repeat, not by who began first. Rows are hashed in the order of their keys, one after the other,
so a digest needs no memory for a large run. A table without rows counts as one that is not there: older ledgers lack
some.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from banchu.core.errors import DataError
from banchu.experiments.ledger import Ledger

LEFT_OUT: Final[dict[tuple[str, str], str]] = {
    ("calls", "at"): "a time",
    ("calls", "wall_s"): "a time",
    ("verdicts", "detail.cpu_s"): "a time",
    ("verdicts", "detail.wall_s"): "a time",
    ("tool_calls", "wall_s"): "a time",
    ("embeddings", "tokens"): "which texts were sent together, and so on which of them their tokens stand",
    ("episodes", "id"): "the order in which episodes began",
    ("meta", "versions"): "the Python and the packages of whoever ran it",
    ("meta", "invocation"): "how the run was asked for, with paths of that machine; what came of it is `config`",
    ("meta", "benchmark_source"): "where the tasks were found; what they are is in `config`",
}
"""(table, column) to why two ledgers of the same run may differ there. `detail.x` is the key x of a column of JSON."""

_UNFOLDED: Final = {("verdicts", "detail"), ("meta", "config")}
"""Columns of JSON objects of which each key counts as a column, so that a difference can be named."""
_JSON: Final = {*_UNFOLDED, ("calls", "prompt"), ("calls", "sampling"), ("proofs", "detail")}
_SCHEME: Final = "banchu ledger digest 1"
_KEYS: Final = "(keys)"
"""Stands for the keys of a table's rows among its columns."""

Row = tuple[tuple[Any, ...], dict[str, Any]]
"""The key of a row, and its other values by column."""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """One table of a ledger."""

    rows: int
    sha256: str
    columns: dict[str, str]
    """By column, the sha256 of its values in the order of their rows' keys; `(keys)`: of those keys."""


@dataclass(frozen=True, slots=True)
class LedgerDigest:
    """What a ledger holds, times aside."""

    sha256: str
    tables: dict[str, TableDigest]
    """By name; tables that hold something."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def digest_of(ledger: Ledger) -> LedgerDigest:
    """Hash a ledger as it is at this moment; it may be written meanwhile. Raises DataError where it is damaged."""
    tables = {}
    try:
        for name, rows in _tables(ledger):
            table = _hashed(rows)
            if table.rows:
                tables[name] = table
    except (sqlite3.Error, ValueError) as error:
        raise DataError(f"{str(ledger.path)!r} cannot be read ({error}); take a copy that is whole") from None
    whole = "".join(f"{name} {table.rows} {table.sha256}\n" for name, table in sorted(tables.items()))
    return LedgerDigest(hashlib.sha256(f"{_SCHEME}\n{whole}".encode()).hexdigest(), tables)


def differing(one: LedgerDigest, other: LedgerDigest) -> dict[str, list[str]]:
    """By table, the columns in which two ledgers differ; `rows` where one has other rows. Empty: the same ledger."""
    found = {}
    for name in sorted({*one.tables, *other.tables}):
        a, b = one.tables.get(name, _NONE), other.tables.get(name, _NONE)
        if a.sha256 != b.sha256:
            # Where the rows are not the same ones, every column differs, and that tells nobody anything.
            columns = {column for column in (*a.columns, *b.columns) if a.columns.get(column) != b.columns.get(column)}
            found[name] = ["rows"] if _KEYS in columns else sorted(columns)
    return found


def read_digest(path: Path) -> LedgerDigest:
    """What `to_json` gave, from a file. Raises DataError where there is none."""
    try:
        plain = json.loads(path.read_bytes())
        tables = {str(name): TableDigest(**table) for name, table in plain["tables"].items()}
        return LedgerDigest(str(plain["sha256"]), tables)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise DataError(f"{str(path)!r} holds no digest; make one with `banchu digest RUN --json > FILE`") from None


_NONE: Final = TableDigest(0, "", {_KEYS: ""})


def _hashed(rows: Iterator[Row]) -> TableDigest:
    whole, columns, count = hashlib.sha256(), {_KEYS: hashlib.sha256()}, 0
    for key, values in rows:
        whole.update(_line([key, values]))
        columns[_KEYS].update(_line(key))
        for column, value in values.items():
            columns.setdefault(column, hashlib.sha256()).update(_line(value))
        count += 1
    return TableDigest(count, whole.hexdigest(), {name: column.hexdigest() for name, column in columns.items()})


def _line(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=repr).encode() + b"\n"


def _tables(ledger: Ledger) -> Iterator[tuple[str, Iterator[Row]]]:
    """Every table with its rows. A connection of its own, and one transaction: all tables are of one moment."""
    with closing(sqlite3.connect(f"file:{ledger.path.resolve()}?mode=ro", uri=True, timeout=5.0)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        names = [row["name"] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for name in names:
            yield name, _meta(db) if name == "meta" else _rows(db, name)


def _rows(db: sqlite3.Connection, table: str) -> Iterator[Row]:
    """Rows of one table by their keys, episodes by their names."""
    info = db.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = [row["name"] for row in sorted(info, key=lambda row: row["pk"]) if row["pk"]]
    source = f'"{table}" t'
    if table == "episodes":
        keys = ["task_id", "arm", "repeat"]
    elif "episode" in keys:
        keys = ["e.task_id", "e.arm", "e.repeat", *(f"t.{key}" for key in keys if key != "episode")]
        source += " LEFT JOIN episodes e ON e.id = t.episode"
    named = {key.removeprefix("e.").removeprefix("t.") for key in keys} | {"episode"}
    columns = [row["name"] for row in info if row["name"] not in named]
    selected = ", ".join([*keys, *(f't."{column}"' for column in columns)])
    for row in db.execute(f"SELECT {selected} FROM {source} ORDER BY {', '.join(keys)}"):
        values = dict(zip(columns, tuple(row)[len(keys) :], strict=True))
        yield tuple(row)[: len(keys)], _unfolded(table, values)


def _meta(db: sqlite3.Connection) -> Iterator[Row]:
    """The header as one row, with its keys as columns."""
    values = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM meta")}
    yield (), _unfolded("meta", values)


def _unfolded(table: str, values: dict[str, Any]) -> dict[str, Any]:
    """Values by column, JSON read, without what is left out."""
    found: dict[str, Any] = {}
    for column, value in values.items():
        if value is not None and (table == "meta" or (table, column) in _JSON):
            value = json.loads(value)
        if (table, column) in _UNFOLDED and isinstance(value, dict):
            found |= {f"{column}.{key}": part for key, part in value.items()}
        else:
            found[column] = value
    return {column: value for column, value in found.items() if (table, column) not in LEFT_OUT}
