"""Rows to a file: CSV, JSON lines, or Parquet (`pip install 'banchu[parquet]'`)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Literal, get_args

from banchu.analysis.columns import Column, Row, Value
from banchu.core.errors import ConfigError, StorageError

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
_ROWS_AT_ONCE = 2_000


def write_text(rows: Iterable[Row], columns: Sequence[Column], form: Format, file: IO[str]) -> int:
    """Write CSV (RFC 4180, but for the line ends; empty: no data) or JSON lines. Returns the number of rows."""
    count = 0
    writer = csv.writer(file, lineterminator="\n")
    if form == "csv":
        writer.writerow(column.name for column in columns)
    for row in rows:
        if form == "csv":
            writer.writerow(_cell(value) for value in row)
        else:
            named = {column.name: value for column, value in zip(columns, row, strict=True)}
            file.write(json.dumps(named, ensure_ascii=False) + "\n")
        count += 1
    return count


def write_file(rows: Iterable[Row], columns: Sequence[Column], form: Format, path: Path) -> int:
    """Write a file, whole or not at all; one that is there is replaced. Returns the number of rows.

    Raises:
        ConfigError: Parquet without pyarrow.
        StorageError: the file cannot be written.
    """
    if form == "parquet":
        need_pyarrow()
    part = path.with_name(f".{path.name}.part")
    try:
        if form == "parquet":
            count = _write_parquet(rows, columns, part)
        else:
            with part.open("w", encoding="utf-8", newline="") as file:
                count = write_text(rows, columns, form, file)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StorageError(f"cannot write {str(path)!r}: {error.strerror or error}; name another with --out") from None
    return count


def need_pyarrow() -> None:
    """Raises ConfigError where Parquet cannot be written."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise ConfigError("--format parquet needs pyarrow; pip install 'banchu[parquet]', or use --format csv")


def _cell(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else value


def _write_parquet(rows: Iterable[Row], columns: Sequence[Column], path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "int": pa.int64(), "real": pa.float64(), "bool": pa.bool_()}
    schema = pa.schema([pa.field(c.name, types[c.type], metadata={"description": c.text}) for c in columns])
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            values = zip(*batch, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while batch := list(islice(source, _ROWS_AT_ONCE)):
        yield batch
