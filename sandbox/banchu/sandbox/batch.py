"""Many judgements at once: what comes back of each, and how far ahead of the slots the input is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Self, TypeVar

from banchu.core.errors import IsolationUnavailable, SandboxError
from banchu.core.verdict import Verdict

_AHEAD = 4
"""Judgements in flight per slot: enough that no slot waits for its next."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Judged:
    """One of many judgements."""

    index: int
    """Its place in the input, from 0."""
    verdict: Verdict | None
    """None: the judge failed, the attempt is unjudged."""
    error: str = ""
    """Why it is unjudged."""

    @classmethod
    def done(cls, waiting: dict[Future[Verdict], list[int]]) -> list[Self]:
        """Take those that have ended out of `waiting`. Raises IsolationUnavailable, which would befall all others."""
        found = []
        for future in [future for future in waiting if future.done()]:
            indices = waiting.pop(future)
            try:
                found += [cls(index, future.result()) for index in indices]
            except IsolationUnavailable:
                raise
            except SandboxError as error:
                found += [cls(index, None, str(error)) for index in indices]
        return found


def look_ahead(
    pairs: Iterable[tuple[_T, str | None]],
    ask: Callable[[_T, str | None], Future[Verdict]],
    waiting: dict[Future[Verdict], list[int]],
    slots: int,
) -> Iterator[bool]:
    """Each step fills `waiting` up again and says whether there is anything to wait for."""
    rest = enumerate(pairs)
    while True:
        while sum(map(len, waiting.values())) < slots * _AHEAD and (item := next(rest, None)) is not None:
            index, (task, code) = item
            waiting.setdefault(ask(task, code), []).append(index)
        yield bool(waiting)
