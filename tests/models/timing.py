"""A clock of the test's own, which jumps to the next timer; and how much a minute held."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= at < start + 60 for at in times) for start in times)


class Idle(selectors.DefaultSelector):
    """Nothing to wait for but time, which passes at once."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


def in_no_time(scenario: Callable[[Callable[[], float]], Coroutine[Any, Any, None]]) -> None:
    """Runs a scenario on a loop whose clock jumps to the next timer."""
    selector = Idle()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    try:
        loop.run_until_complete(asyncio.wait_for(scenario(loop.time), 10_000))
    finally:
        loop.close()
