"""Counts a check's assertions as they run, and keeps what the first failure shows."""

from __future__ import annotations

import operator
import reprlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from banchu.sandbox.tester.asserts import Site
from banchu.sandbox.tester.remote import Lost, Remote, Uncrossable

_SHOWN = 500
_COMPARE: dict[str, tuple[str, Callable[[Any, Any], object]]] = {
    "Eq": ("==", operator.eq),
    "NotEq": ("!=", operator.ne),
    "Lt": ("<", operator.lt),
    "LtE": ("<=", operator.le),
    "Gt": (">", operator.gt),
    "GtE": (">=", operator.ge),
    "Is": ("is", operator.is_),
    "IsNot": ("is not", operator.is_not),
    "In": ("in", lambda a, b: a in b),
    "NotIn": ("not in", lambda a, b: a not in b),
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Recorder:
    """What the rewritten check reports to."""

    def __init__(self, sites: tuple[Site, ...], remote: Remote, entry_point: str) -> None:
        self._sites = sites
        self._remote = remote
        self._entry_point = entry_point
        self._entered: Counter[int] = Counter()
        self._current: int | None = None
        self.passed = 0
        self.failed: list[dict[str, Any]] = []
        """Failures in order; with a check that catches exceptions, some may have been meant to happen."""

    @property
    def total(self) -> int:
        """Assertions that ran, and those of the source that never did."""
        return self._entered.total() + sum(number not in self._entered for number in range(len(self._sites)))

    def enter(self, number: int) -> None:
        self._entered[number] += 1
        self._current = self._remote.site = number

    def compare(self, number: int, left: Any, name: str, right: Any) -> bool:
        symbol, compare = _COMPARE[name]
        if compare(left, right):
            return self._held()
        if self._sites[number].actual_is_right:
            left, right, symbol = right, left, _MIRRORED.get(symbol, symbol)
        wanted = short(right) if symbol == "==" else f"{symbol} {short(right)}"
        return self._broken("assertion", actual=short(left), expected=wanted)

    def truth(self, number: int, value: Any) -> bool:
        return self._held() if value else self._broken("assertion", actual=short(value), expected="something true")

    def untruth(self, number: int, value: Any) -> bool:
        return self._broken("assertion", actual=short(value), expected="something false") if value else self._held()

    def caught(self, error: BaseException) -> None:
        """An exception out of an assertion: noted, and the check goes on where that makes sense."""
        if isinstance(error, (Lost, Uncrossable)) or (not self._remote.calls):
            raise error
        self.note(error)

    def note(self, error: BaseException) -> None:
        """Keep an exception that an assertion or the check itself did not catch."""
        if isinstance(error, Lost):
            self._broken(error.kind, error=error.detail)
        elif (failure := self._remote.failure_of(error)) is not None:
            self._broken("raised", failure=failure)
        else:
            actual = short(self._remote.last_value) if self._remote.calls else ""
            self._broken("tests", error=said(error), actual=actual)

    def _held(self) -> bool:
        self.passed += 1
        self._current = None
        return True

    def _broken(self, kind: str, **details: Any) -> bool:
        self.failed.append({"kind": kind, "assertion": self._assertion(), **details})
        self._current = None
        return False

    def _assertion(self) -> str:
        if self._current is None:
            return ""
        site = self._sites[self._current]
        if site.as_written or not self._remote.calls:
            return _cut(site.source)
        positional, named = self._remote.last_arguments
        shown = [short(value) for value in positional] + [f"{key}={short(value)}" for key, value in named.items()]
        return _cut(f"{site.source}  # called {self._entry_point}({', '.join(shown)})")


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 8
        self.maxstring = self.maxother = self.maxlong = _SHOWN
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxdict = 100

    def repr_int(self, value: int, level: int) -> str:
        # Thousands of digits take Python quadratic time, and past 4300 it refuses.
        return repr(value) if value.bit_length() < 4000 else f"<int of {value.bit_length()} bits>"


def said(error: BaseException) -> str:
    """Type and message. A message may be made of a candidate's value, and fail on it."""
    try:
        return f"{type(error).__name__}: {error}"[:_SHOWN]
    except Exception:  # noqa: BLE001
        return type(error).__name__


def short(value: object) -> str:
    """A value as Python text of at most 500 characters."""
    try:
        return _cut(_Short().repr(value))
    except Exception:  # noqa: BLE001  # a number that Python refuses to print, deep inside
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
