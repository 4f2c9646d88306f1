"""Warm slots between judgements. At most as many exist as there are threads that take one."""

from __future__ import annotations

import threading

from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed
from banchu.sandbox.probe import start_error
from banchu.sandbox.slot import Slot


class SlotPool:
    """Thread-safe. Slots start when they are first needed; the one used last is taken first, as the warmest."""

    def __init__(self, isolation: Isolation, limits: Limits) -> None:
        self._isolation = isolation
        self._limits = limits
        self._lock = threading.Lock()
        self._idle: list[Slot] = []

    def take(self) -> Slot:
        """An idle slot, or a new one. Raises IsolationUnavailable, SandboxError."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return Slot(self._isolation, self._limits)
        except Failed as failed:
            raise start_error(failed, self._isolation) from failed

    def give_back(self, slot: Slot) -> None:
        with self._lock:
            self._idle.append(slot)

    def discard(self, slot: Slot) -> None:
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
