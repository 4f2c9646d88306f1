"""An entry as a plain object, for SQLite, for stores of others, and for export and import as JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Final

from banchu.core.errors import DataError
from banchu.memory.entry import Entry, Pool

_FIELDS: Final = tuple(field.name for field in fields(Entry) if field.name != "pool")
_TYPES: Final[dict[str, type]] = {"round": int, "order": int, "oracle": bool}
_NEEDED: Final = frozenset({"text", "scope", "key", "arm", "task", "split", "episode", "round", "oracle"})
"""`oracle` too: whoever leaves it out would say that there was none."""


def encode(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry)
    pool = plain.pop("pool")
    return {**dict(zip(Pool._fields, pool, strict=True)), **plain}


def decode(plain: Any) -> Entry:
    """The entry. Raises DataError that names the field."""
    if not isinstance(plain, dict):
        raise DataError(f"a memory's entry is an object, not {type(plain).__name__}")
    known = {*Pool._fields, *_FIELDS}
    if wrong := sorted(set(plain) - known):
        raise DataError(f"a memory's entry has no field {wrong[0]!r}; it has {', '.join(sorted(known))}")
    if missing := sorted(_NEEDED - set(plain)):
        raise DataError(f"a memory's entry lacks {missing[0]!r}")
    for name, value in plain.items():
        wanted = _TYPES.get(name, str)
        if type(value) is not wanted:
            raise DataError(f"a memory's entry: {name}={value!r} should be {wanted.__name__}")
    pool = Pool(plain["scope"], plain["key"], plain["arm"])
    try:
        return Entry(pool=pool, **{name: plain[name] for name in _FIELDS if name in plain})
    except ValueError as error:
        raise DataError(f"a memory's entry cannot be: {error}") from None


def to_line(entry: Entry) -> str:
    """One line of JSON, in ASCII: half a surrogate pair, which a model may say, is kept."""
    return json.dumps(encode(entry), sort_keys=True)


def from_line(line: str) -> Entry:
    """Raises DataError."""
    try:
        return decode(json.loads(line))
    except (ValueError, RecursionError) as error:
        raise DataError(f"a memory's entry is no JSON ({error})") from None
