"""Warm slots between judgements. At most as many are in use as there are permits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from banchu.core.errors import SandboxError
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed
from banchu.sandbox.probe import start_error


class Closes(Protocol):
    """What a pool holds."""

    def close(self) -> None: ...


T = TypeVar("T", bound=Closes)
R = TypeVar("R")


class Pool(Generic[T]):
    """Thread-safe. Slots start when they are first needed; the one used last is taken first, as the warmest.

    Args:
        make: starts a slot; may raise Failed.
        isolation: what holds candidates in it.
        limits: of all candidates in it.
        permits: one is held while a slot is in use.
    """

    def __init__(
        self,
        make: Callable[[Isolation, Limits], T],
        isolation: Isolation,
        limits: Limits,
        permits: threading.Semaphore,
    ) -> None:
        self._make = make
        self._isolation = isolation
        self._limits = limits
        self._lock = threading.Lock()
        self._permits = permits
        self._idle: list[T] = []
        self._closed = False

    def use(self, act: Callable[[T], R]) -> R:
        """Do something in a slot; one that fails is replaced, and the thing tried once more.

        Raises SandboxError after two failures or once closed, what `act` raises, IsolationUnavailable.
        """
        with self._permits:
            return self._use(act)

    def _use(self, act: Callable[[T], R]) -> R:
        for last in (False, True):
            slot = self.take()
            try:
                result = act(slot)
            except Failed as failed:
                slot.close()
                if last:
                    raise SandboxError(f"the judge failed twice on one attempt, it is unjudged: {failed}") from failed
            except SandboxError:  # of the tests: the slot is as good as before
                self.give_back(slot)
                raise
            except BaseException:
                slot.close()
                raise
            else:
                self.give_back(slot)
                return result
        raise AssertionError("unreachable")

    def take(self) -> T:
        """An idle slot, or a new one. Raises IsolationUnavailable, SandboxError."""
        with self._lock:
            if self._closed:
                raise SandboxError("the judge is closed; open another")
            if self._idle:
                return self._idle.pop()
        try:
            return self._make(self._isolation, self._limits)
        except Failed as failed:
            raise start_error(failed, self._isolation) from failed

    def give_back(self, slot: T) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(slot)
                return
        slot.close()

    def warm_up(self) -> None:
        """Have at least one. Raises IsolationUnavailable."""
        self.give_back(self.take())

    def close(self) -> None:
        """End all slots: the idle ones now, the others when they are given back. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for slot in idle:
            slot.close()
