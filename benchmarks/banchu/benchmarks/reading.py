"""Files as they lie on disk, to text, to JSON, to Python: with one line of error for what is wrong."""

from __future__ import annotations

import ast
import gzip
import json
import warnings
import zlib
from pathlib import Path
from typing import Any, Final

from banchu.core.errors import DataError
from banchu.core.source import parse

_GZIP_MAGIC: Final = b"\x1f\x8b"


def read_bytes(path: Path, *, remedy: str) -> bytes:
    """The file as it lies on disk. Raises DataError with the remedy."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from None


def decoded(data: bytes, label: str) -> str:
    """The text in `data`, gzipped or not. `label` names the file in errors. Raises DataError."""
    try:
        raw = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
        return raw.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{label}: damaged gzip data ({error}); fetch or compress the file again") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{label}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None


def json_line(line: str, where: str) -> dict[str, Any]:
    """The object in one line. Raises DataError."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON ({error}); each line must be one JSON object") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: is {type(row).__name__}, not an object; each line must be one JSON object")
    return row


def parsed(source: str) -> ast.Module | None:
    """None where it is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # what Python 3.11 says of '\d'
        try:
            return parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
