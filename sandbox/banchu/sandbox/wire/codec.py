"""Values as tagged JSON: exact built-in types cross between candidate and tests, and nothing that can run.

Both sides use it, but only the decoder is trusted: whatever a candidate does to its own encoder, it can only name
another value. A subclass is reduced to its built-in base by the base's own methods, so an `__eq__` that always agrees
stays behind; what has no built-in base arrives as `Opaque`, which equals nothing.
"""

from __future__ import annotations

import itertools
import json
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from typing import Any

from banchu.sandbox.wire.opaque import Opaque, number_of, type_of

MAX_DEPTH = 100
MAX_NODES = 2_000_000
"""Values in one message, counted by the decoder."""
MAX_DRAINED = 100_000
"""Items taken from an iterator before it counts as endless."""

TOO_DEEP = {"?": "nested too deeply"}
"""What `encode` makes of the first level that is too deep."""

_SMALL = 1 << 1024
_SCALARS = frozenset({type(None), bool, int, float, str})
_WORDS = frozenset({type(None), bool, float, str})
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
# What `encode` and `json.loads` come to in the end, made once: each of their frames costs a candidate some pages.
_encode_all = c_make_encoder and c_make_encoder(
    None, _ENCODER.default, encode_basestring, None, ":", ",", False, False, True
)
_decode_one = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class Unreadable(Exception):  # named for what happened
    """Bytes that are no value: too deep, too many, an unknown tag, a part of the wrong type."""


class TooLarge(Unreadable):
    """Well-formed as far as it was read, but more than the tests can be given."""


def dumps(message: Any) -> bytes:
    """JSON of what `encode` made. Strings keep lone surrogates."""
    text = "".join(_encode_all(message, 0)) if _encode_all else _ENCODER.encode(message)
    return text.encode("utf-8", "surrogatepass")


def loads(data: bytes) -> Any:
    """JSON of a peer. Raises Unreadable."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        value, end = _decode_one(text, 0)
    except StopIteration:
        raise Unreadable("no JSON") from None
    except MemoryError:
        raise TooLarge("no memory for it") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)[:200]) from None
    if end != len(text):
        raise Unreadable("more than one JSON value")
    return value


def encode(value: object, depth: int = MAX_DEPTH) -> Any:
    """JSON data for a value. Runs no method of a candidate's class, but drains its iterators."""
    kind = type(value)
    if kind in _WORDS:
        return value
    if kind is int:
        return value if -_SMALL < value < _SMALL else {"i": hex(value)}  # type: ignore[operator, arg-type]
    if depth == 0:
        return TOO_DEEP
    if kind is list:
        return _items(value, depth - 1)  # type: ignore[arg-type]
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(value, depth - 1)
    for base, reduce in _REDUCERS:
        if issubclass(kind, base):
            return encode(reduce(value), depth)
    return _rest(kind, value, depth - 1)


def _items(values: Iterable[object], depth: int) -> list[Any]:
    values = list(values)
    kinds = set(map(type, values))
    if kinds <= _WORDS or (kinds == {int} and max(values) < _SMALL and min(values) > -_SMALL):  # type: ignore[type-var, operator]
        return values
    return [encode(value, depth) for value in values]


def _flat(mapping: dict[object, object], depth: int) -> list[Any]:
    return _items(itertools.chain.from_iterable(dict.items(mapping)), depth)


def _rest(kind: type, value: Any, depth: int) -> Any:
    if kind is types.GeneratorType or (kind.__module__ in ("builtins", "itertools") and hasattr(kind, "__next__")):
        drained = list(itertools.islice(value, MAX_DRAINED + 1))
        return {"I": _items(drained, depth)} if len(drained) <= MAX_DRAINED else {"?": "endless iterator"}
    if kind.__module__ == "decimal" and kind.__name__ == "Decimal":
        return {"D": str(value)}
    if kind.__module__ == "fractions" and kind.__name__ == "Fraction":
        return {"F": _items([value.numerator, value.denominator], depth)}
    if kind is type and value in _TYPES:
        return {"T": value.__name__}
    if issubclass(kind, Opaque) and (number := number_of(value)) is not None:
        return {"h": [type_of(value), number]}
    name = type.__dict__["__name__"].__get__(kind)[:80]
    if _kept is None:
        return {"?": name}
    _kept.append(value)
    return {"h": [name, len(_kept) - 1]}


_kept: list[object] | None = None
"""Objects that stay here, where there are any to be named by the other side: in a candidate."""


def keep_objects() -> list[object]:
    """From here on `encode` names what cannot cross by its place in this list."""
    global _kept  # one program lives in a candidate's process, and nothing else
    _kept = []
    return _kept


_WRITERS: dict[type, Callable[[Any, int], Any]] = {
    tuple: lambda v, depth: {"t": _items(v, depth)},
    dict: lambda v, depth: {"d": _flat(v, depth)},
    set: lambda v, depth: {"s": _items(v, depth)},
    frozenset: lambda v, depth: {"f": _items(v, depth)},
    bytes: lambda v, _: {"b": v.hex()},
    bytearray: lambda v, _: {"B": v.hex()},
    complex: lambda v, _: {"c": [v.real, v.imag]},
    range: lambda v, depth: {"r": _items([v.start, v.stop, v.step], depth)},
    deque: lambda v, depth: {"q": _items(v, depth)},
    type({}.keys()): lambda v, depth: {"k": _items(v, depth)},
    type({}.values()): lambda v, depth: {"v": _items(v, depth)},
    type({}.items()): lambda v, depth: {"m": _flat(dict(v), depth)},
}

_REDUCERS: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (int, int.__int__),
    (str, str.__str__),
    (float, float.__float__),
    (list, lambda v: [*list.__iter__(v)]),
    (tuple, lambda v: (*tuple.__iter__(v),)),
    (dict, lambda v: dict([*dict.items(v)])),
    (set, lambda v: {*set.__iter__(v)}),
    (frozenset, lambda v: frozenset(frozenset.__iter__(v))),
    (bytes, lambda v: bytes.__getitem__(v, slice(None))),
    (bytearray, lambda v: bytearray.__getitem__(v, slice(None))),
    (complex, lambda v: complex(v.real, v.imag)),
    (deque, lambda v: deque(deque.__iter__(v))),
)


def decode(data: Any, take: Callable[[str, int], object] = Opaque) -> Any:
    """The value that JSON data names. The data may be hostile. `take` makes what stands for an object by its number.

    Raises Unreadable.
    """
    try:
        return _Decoder(take).value(data, MAX_DEPTH + 1)  # the mark of a cut lies one level below the deepest value
    except MemoryError:
        raise TooLarge("no memory for it") from None
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}"[:200]) from None


class _Decoder:
    """Counts what it makes."""

    def __init__(self, take: Callable[[str, int], object]) -> None:
        self._left = MAX_NODES
        self._take = take

    def value(self, data: Any, depth: int) -> Any:
        kind = type(data)
        if kind in _SCALARS:
            return data
        if depth == 0:
            raise Unreadable(f"more than {MAX_DEPTH} levels")
        if kind is list:
            return self.items(data, depth - 1)
        if kind is not dict or len(data) != 1:
            raise Unreadable("data without a single tag")
        ((tag, body),) = data.items()
        if tag in _TEXT_READERS:
            if type(body) is not str:
                raise Unreadable(f"tag {tag!r} without text")
            return _TEXT_READERS[tag](body)
        if tag == "h" and type(body) is list:
            name, number = _exact(body[:1], 1, str) + _exact(body[1:], 1, int)
            return self._take(name[:80], number)
        if tag not in _LIST_READERS or type(body) is not list:
            raise Unreadable(f"tag {tag[:20]!r}")
        return _LIST_READERS[tag](self.items(body, depth - 1))

    def items(self, data: list[Any], depth: int) -> list[Any]:
        self._left -= len(data) + 1
        if self._left < 0:
            raise TooLarge(f"more than {MAX_NODES} values")
        if set(map(type, data)) <= _SCALARS:
            return data
        return [self.value(item, depth) for item in data]


def _pairs(flat: list[Any]) -> dict[Any, Any]:
    if len(flat) % 2:
        raise Unreadable("a key without a value")
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def _fraction(parts: list[Any]) -> Any:
    from fractions import Fraction

    return Fraction(*_exact(parts, 2, int))


def _exact(parts: list[Any], count: int, kind: type) -> list[Any]:
    if len(parts) != count or any(type(part) is not kind for part in parts):
        raise Unreadable(f"not {count} of {kind.__name__}")
    return parts


def _iterator(items: list[Any]) -> Iterator[Any]:
    return iter(items)


_TYPES = (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple, type(None))
"""Types that may cross as such: tests pass them as arguments."""
_TYPES_BY_NAME = {kind.__name__: kind for kind in _TYPES}

_TEXT_READERS: dict[str, Callable[[str], object]] = {
    "i": lambda text: int(text, 16),
    "b": bytes.fromhex,
    "B": bytearray.fromhex,
    "D": _decimal,
    "?": lambda name: Opaque(name[:80]),
    "T": lambda name: _TYPES_BY_NAME[name],
}

_LIST_READERS: dict[str, Callable[[list[Any]], object]] = {
    "t": tuple,
    "s": set,
    "f": frozenset,
    "q": deque,
    "d": _pairs,
    "I": _iterator,
    "k": lambda items: dict.fromkeys(items).keys(),
    "v": lambda items: dict(enumerate(items)).values(),
    "m": lambda flat: _pairs(flat).items(),
    "r": lambda parts: range(*_exact(parts, 3, int)),
    "c": lambda parts: complex(*_exact(parts, 2, float)),
    "F": _fraction,
}
