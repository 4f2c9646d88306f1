"""Warm slots between judgements. At most as many exist as there are threads that take one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed
from banchu.sandbox.probe import start_error


class Closes(Protocol):
    """What a pool holds."""

    def close(self) -> None: ...


T = TypeVar("T", bound=Closes)


class Pool(Generic[T]):
    """Thread-safe. Slots start when they are first needed; the one used last is taken first, as the warmest.

    Args:
        make: starts a slot; may raise Failed.
        isolation: what holds candidates in it.
        limits: of all candidates in it.
    """

    def __init__(self, make: Callable[[Isolation, Limits], T], isolation: Isolation, limits: Limits) -> None:
        self._make = make
        self._isolation = isolation
        self._limits = limits
        self._lock = threading.Lock()
        self._idle: list[T] = []

    def take(self) -> T:
        """An idle slot, or a new one. Raises IsolationUnavailable, SandboxError."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return self._make(self._isolation, self._limits)
        except Failed as failed:
            raise start_error(failed, self._isolation) from failed

    def give_back(self, slot: T) -> None:
        with self._lock:
            self._idle.append(slot)

    def discard(self, slot: T) -> None:
        """For a slot whose processes can no longer be trusted to answer."""
        slot.close()

    def warm_up(self) -> None:
        """Have at least one. Raises IsolationUnavailable."""
        self.give_back(self.take())

    def close(self) -> None:
        """End all idle slots. Idempotent."""
        with self._lock:
            idle, self._idle = self._idle, []
        for slot in idle:
            slot.close()
