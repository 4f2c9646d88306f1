"""Where calls wait for their turn: in order of arrival, until the window, the pace and the limits have room.

A call that is tried again keeps its place, so the oldest goes first. One timer wakes one waiter at a time: when a pause
ends, the calls that waited for it leave at the pace, not all at once.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Callable
from typing import Final

from banchu.models.api.bucket import MINUTE_S, Bucket, a_minute
from banchu.models.api.errors import Refused
from banchu.models.api.headers import Allowance
from banchu.models.api.pace import Pace
from banchu.models.api.window import Window
from banchu.models.protocol import NotSent

_LONGEST_PAUSE_S: Final = 60.0
"""For calls that were not themselves told to wait; the next one to be refused hears for how long."""


class Turn:
    """One call in flight. Exactly one of its endings must be called; further ones do nothing."""

    def __init__(self, gate: Gate, begun: float, tokens: int) -> None:
        self._gate = gate
        self.begun = begun
        self.tokens = tokens

    def answered(self, prompt_tokens: int, completion_tokens: int) -> None:
        """The answer came; 0 tokens: the server does not count them."""
        self._gate._answered(self, prompt_tokens, completion_tokens)

    def refused(self, error: Refused) -> None:
        """The server refused, or said nothing."""
        self._gate._refused(self, error)

    def left(self) -> None:
        """It ended in a way that says nothing of how much the server can bear."""
        self._gate._release(self)


class Gate:
    """One endpoint's door, for the calls of one model.

    Args:
        ceiling: calls in flight at most.
        max_rpm: calls sent in any minute at most.
        max_tpm: tokens in any minute at most: of the prompt as estimated and of the longest answer allowed, and once
            the answer is there, what it was. A minute may hold one call more; one that exceeds the limit alone goes
            when nothing is left of the others.
        clock: seconds that do not go back.
        minute_s: how long a minute is.
    """

    def __init__(
        self,
        ceiling: int,
        max_rpm: int | None = None,
        max_tpm: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        minute_s: float = MINUTE_S,
    ) -> None:
        self.window = Window(ceiling)
        self.pace = Pace()
        self._clock = clock
        now = clock()
        self._requests = None if max_rpm is None else a_minute(max_rpm, now, minute_s)
        self._tokens = None if max_tpm is None else a_minute(max_tpm, now, minute_s)
        self._told: dict[str, Bucket] = {}
        self._waiting: list[tuple[int, int, int, asyncio.Future[Turn]]] = []
        self._flying: set[Turn] = set()
        self._tickets = itertools.count()
        self._numbers = itertools.count()
        self._paused_until = self._refused_at = float("-inf")
        self._streak = 0
        self._timer: asyncio.TimerHandle | None = None
        self._drained = asyncio.Event()

    @property
    def in_flight(self) -> int:
        return len(self._flying)

    def ticket(self) -> int:
        """A place in the queue, kept by whoever tries again."""
        return next(self._tickets)

    async def enter(self, ticket: int, tokens: int) -> Turn:
        """Wait for a turn. Raises NotSent when the gate is drained before it comes."""
        if self._drained.is_set():
            raise _not_sent()
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (ticket, next(self._numbers), tokens, future))
        self._admit()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and not future.exception():
                self._release(future.result())  # the turn came at the same moment
            raise

    async def rest(self, seconds: float) -> None:
        """Sleep, unless the gate is drained, which raises NotSent."""
        try:
            await asyncio.wait_for(self._drained.wait(), seconds)
        except TimeoutError:
            return
        raise _not_sent()

    def drain(self) -> None:
        """Send nothing more. Whoever waits gets NotSent; what is in flight is not touched."""
        self._drained.set()
        for *_, future in self._waiting:
            if not future.done():
                future.set_exception(_not_sent())
        self._waiting.clear()

    def told(self, what: str, allowance: Allowance | None) -> None:
        """What the server's headers say of its limit on `what`, "requests" or "tokens"."""
        if allowance is None or not allowance.is_low or not 0 < allowance.per_s < float("inf"):
            self._told.pop(what, None)
            return
        now, per_s = self._clock(), allowance.per_s
        if what in self._told:
            self._told[what].retune(per_s, allowance.remaining, now)
        else:
            self._told[what] = Bucket(per_s, allowance.remaining, now)

    def _admit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            *_, tokens, future = self._waiting[0]
            if future.done():  # whoever waited is gone
                heapq.heappop(self._waiting)
                continue
            if len(self._flying) >= self.window.size:
                return
            now = self._clock()
            ready = self._ready_at(now)
            if ready > now:
                self._timer = asyncio.get_running_loop().call_later(ready - now, self._admit)
                return
            heapq.heappop(self._waiting)
            future.set_result(self._send(tokens, now))

    def _ready_at(self, now: float) -> float:
        buckets = [bucket for bucket in (self._requests, self._tokens, *self._told.values()) if bucket is not None]
        return max(self._paused_until, self.pace.ready_at(now), *(bucket.ready_at(now) for bucket in buckets), now)

    def _send(self, tokens: int, now: float) -> Turn:
        turn = Turn(self, now, tokens)
        self._flying.add(turn)
        self.pace.sent(now)
        for bucket, cost in self._costs(tokens):
            bucket.pour(cost, now)
        return turn

    def _costs(self, tokens: int) -> list[tuple[Bucket, int]]:
        pairs = (
            (self._requests, 1),
            (self._tokens, tokens),
            (self._told.get("requests"), 1),
            (self._told.get("tokens"), tokens),
        )
        return [(bucket, cost) for bucket, cost in pairs if bucket is not None]

    def _answered(self, turn: Turn, prompt_tokens: int, completion_tokens: int) -> None:
        if turn not in self._flying:
            return
        now = self._clock()
        self._streak = 0
        self.window.answered(turn.begun, now - turn.begun, completion_tokens, len(self._flying), now)
        if prompt_tokens + completion_tokens:
            self._correct(prompt_tokens + completion_tokens - turn.tokens, now)
        self._release(turn)

    def _refused(self, turn: Turn, error: Refused) -> None:
        if turn not in self._flying:
            return
        now = self._clock()
        if error.burdens:
            self.window.troubled(turn.begun, now, load=error.trouble != "limit")
        if error.trouble in ("limit", "load"):
            self._shut(turn, error.wait_s, now)
        if error.trouble == "limit":
            self.pace.refused(turn.begun, now)
        if error.trouble != "lost":
            self._correct(-turn.tokens, now)  # nothing was written
        self._release(turn)

    def _correct(self, tokens: int, now: float) -> None:
        for bucket in (self._tokens, self._told.get("tokens")):
            if bucket is not None:
                bucket.correct(tokens, now)

    def _shut(self, turn: Turn, wait_s: float | None, now: float) -> None:
        """Pause for all when one after the other is refused.

        A single refusal means that the pace was a little too fast, and the call alone waits for as long as the server
        asked. When the next is refused too, and nothing that was sent in between is still being worked on, the server
        takes nothing at all.
        """
        if turn.begun > self._refused_at and not any(
            self._refused_at < other.begun < turn.begun for other in self._flying
        ):
            self._streak += 1
        self._refused_at = now
        if self._streak >= 2:
            most = 0.25 * 2.0 ** min(self._streak - 2, 7)
            pause_s = min(_LONGEST_PAUSE_S, max(wait_s or 0.0, random.uniform(most / 2, most)))
            self._paused_until = max(self._paused_until, now + pause_s)

    def _release(self, turn: Turn) -> None:
        self._flying.discard(turn)
        if self._waiting:
            self._admit()


def _not_sent() -> NotSent:
    return NotSent("not sent: the run is ending")
