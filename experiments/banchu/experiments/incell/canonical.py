"""A value as text, such that equal texts mean equal values, whatever the value's own methods say."""

from __future__ import annotations

import builtins
import re
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from itertools import chain, islice
from types import BuiltinFunctionType, FunctionType, GeneratorType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

globals()["__builtins__"] = dict(vars(builtins))  # as in forked.py

MAX_TEXT = 400
"""Characters of a whole text; one that is longer is its beginning, its length, and a hash of all of it."""
_SHOWN = 300
_MAX_DEPTH = 300
_MAX_VALUES = 200_000
_MAX_DRAINED = 10_000
_MAX_DIGITS = 1 << 4096
_SCALARS = frozenset({type(None), bool, int, float, str})
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-f]{6,}(?=>)").sub
"""As Python shows objects; other hexadecimal numbers may be what a program is to give."""
_named = type.__dict__["__name__"].__get__
_mro_of = type.__dict__["__mro__"].__get__


class TooLarge(Exception):
    """More values or levels than are read."""


def canonical(value: object) -> str:
    """One line of at most `MAX_TEXT` characters. Iterators are read, to a bound."""
    try:
        text = _Writer().text(value)
    except (TooLarge, RecursionError, MemoryError):
        text = f"<{name_of(type(value))}, too large to compare>"
    return cut(text)


def cut(text: str) -> str:
    """One line without addresses, shortened."""
    text = _ADDRESS("0x...", text) if " at 0x" in text else text
    text = text.replace("\n", " ").replace("\r", " ")
    if len(text) <= MAX_TEXT:
        return text
    digest = sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:24]
    return f"{text[:_SHOWN]}... ({len(text)} characters, sha256 {digest})"


class _Writer:
    def __init__(self) -> None:
        self._left = _MAX_VALUES
        self._above: set[int] = set()

    def text(self, value: Any) -> str:
        kind = type(value)
        self._take(1)
        if kind is int:
            return repr(value) if -_MAX_DIGITS < value < _MAX_DIGITS else hex(value)
        if kind in _SCALARS:
            return repr(value)
        if id(value) in self._above:
            return "<itself>"
        if len(self._above) > _MAX_DEPTH:
            raise TooLarge
        self._above.add(id(value))
        try:
            return self._nested(kind, value)
        finally:
            self._above.discard(id(value))

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooLarge

    def _nested(self, kind: type, value: Any) -> str:
        for base, write in _WRITERS:
            if issubclass(kind, base):
                inside = write(self, value)
                return inside if kind is base else f"{name_of(kind)}({inside})"
        if issubclass(kind, type):
            return f"<type {name_of(value)}>"
        if kind in (FunctionType, BuiltinFunctionType, MethodType, ModuleType):
            return f"<{name_of(kind)} {value.__name__}>"
        if kind is GeneratorType or (_module(kind) in ("builtins", "itertools") and hasattr(kind, "__next__")):
            return self._drained(kind, value)
        return self._object(kind, value)

    def items(self, values: Iterable[Any]) -> list[str]:
        values = list(values)
        if {type(value) for value in values} <= _SCALARS:
            self._take(len(values) // 10)
            with suppress(ValueError):  # more digits than Python prints
                return [repr(value) for value in values]
        return [self.text(value) for value in values]

    def pairs(self, mapping: dict[Any, Any]) -> list[str]:
        flat = self.items(chain.from_iterable(dict.items(mapping)))
        return sorted(f"{key}: {value}" for key, value in zip(flat[::2], flat[1::2], strict=True))

    def _drained(self, kind: type, value: Any) -> str:
        found = self.items(islice(value, _MAX_DRAINED + 1))
        more = ", ..." if len(found) > _MAX_DRAINED else ""
        return f"<{name_of(kind)} [{', '.join(found[:_MAX_DRAINED])}{more}]>"

    def _object(self, kind: type, value: Any) -> str:
        """By its state, or by what it says of itself where it has none that can be seen."""
        state: dict[Any, Any] = {}
        for owner in _mro_of(kind):
            names = owner.__dict__.get("__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                slot = owner.__dict__.get(f"_{owner.__name__.lstrip('_')}{name}" if _private(name) else name)
                if type(slot) is MemberDescriptorType:
                    with suppress(AttributeError):  # it was never set
                        state[name] = slot.__get__(value)
        with suppress(Exception):  # it has none, or one that the program made up
            state.update(object.__getattribute__(value, "__dict__"))
        if issubclass(kind, BaseException):
            state["args"] = BaseException.args.__get__(value)  # type: ignore[attr-defined]
        shows = next(owner for owner in _mro_of(kind) if "__repr__" in owner.__dict__)
        if not state and shows is not object and _module(shows) != "answer":
            return f"<{name_of(kind)} {repr(value)[:10_000]}>"
        return f"<{name_of(kind)} {{{', '.join(self.pairs(state))}}}>"


def _private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("__") and not name.endswith("__")


def name_of(kind: type) -> str:
    """Its own, and nothing that could be taken for more than a name."""
    name = str(_named(kind))
    return name if name.isidentifier() and len(name) <= 80 else "?"


def _module(kind: type) -> str:
    return str(type.__getattribute__(kind, "__module__"))


def _tuple(writer: _Writer, value: Any) -> str:
    found = writer.items(tuple.__iter__(value))
    return f"({found[0]},)" if len(found) == 1 else f"({', '.join(found)})"


def _set(writer: _Writer, items: Iterable[Any]) -> str:
    return f"{{{', '.join(sorted(writer.items(items)))}}}"


_WRITERS: tuple[tuple[type, Callable[[_Writer, Any], str]], ...] = (
    (int, lambda w, v: w.text(int.__int__(v))),
    (str, lambda w, v: repr(str.__str__(v))),
    (float, lambda w, v: repr(float.__float__(v))),
    (list, lambda w, v: f"[{', '.join(w.items(list.__iter__(v)))}]"),
    (tuple, _tuple),
    (dict, lambda w, v: f"{{{', '.join(w.pairs(v))}}}"),
    (set, lambda w, v: f"set({_set(w, set.__iter__(v))})"),
    (frozenset, lambda w, v: f"frozenset({_set(w, frozenset.__iter__(v))})"),
    (bytes, lambda w, v: bytes.__repr__(v)),
    (bytearray, lambda w, v: f"bytearray({bytes(bytearray.__iter__(v))!r})"),
    (complex, lambda w, v: complex.__repr__(v)),
    (range, lambda w, v: f"range({', '.join(w.items([v.start, v.stop, v.step]))})"),
    (deque, lambda w, v: f"deque([{', '.join(w.items(deque.__iter__(v)))}])"),
    (type({}.keys()), lambda w, v: f"dict_keys({_set(w, v)})"),
    (type({}.values()), lambda w, v: f"dict_values([{', '.join(sorted(w.items(v)))}])"),
    (type({}.items()), lambda w, v: f"dict_items({_set(w, v)})"),
)
"""A subclass is read by its base's own methods, so that one which lies about itself is not asked."""
