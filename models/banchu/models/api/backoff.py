"""When a call is tried again, and for how long.

What the server asked to wait is waited; else exponential with full jitter (Brooker 2015, AWS Architecture Blog:
"Exponential Backoff And Jitter"). Bounded by attempts and by time. A 429 is no failed attempt: the server will take the
call later, and the gate sees to the pace; time bounds it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from banchu.core.errors import ModelError
from banchu.models.api.errors import Refused

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState

_UNREACHABLE: Final = 1
"""Retries where there is no server: one that is not there seldom comes up while one waits, a busy one does."""


class Backoff:
    """The retries of one call.

    Args:
        max_retries: after failures other than a 429; 0: no retry at all.
        patience_s: from the first request sent; a wait that would end later is not begun.
    """

    def __init__(self, max_retries: int, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_retries = max_retries
        self._patience_s = patience_s
        self._clock = clock
        self._first: float | None = None
        self._failures = 0
        self._hasty = False

    def sent(self) -> None:
        """A request goes out. What it waited for before the first is no part of the patience."""
        if self._first is None:
            self._first = self._clock()

    def retrying(self, sleep: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
        """Tenacity's loop with these rules; the last error is raised as it was."""
        import tenacity

        return tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, Refused) and error.retryable),
            wait=self.wait,
            stop=self.stop,
            sleep=sleep,
            reraise=True,
        )

    def wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt: never less than the server asked for."""
        import tenacity

        error = _error(state)
        if error and error.wait_s is not None:
            return error.wait_s
        return float(tenacity.wait_random_exponential(multiplier=0.5, max=20)(state))

    def stop(self, state: RetryCallState) -> bool:
        """Whether there is no next attempt. Asked once for each failure, after `wait`."""
        error = _error(state)
        trouble = error.trouble if error else "final"
        self._failures += trouble != "limit"
        most = min(_UNREACHABLE, self._max_retries) if trouble == "away" else self._max_retries
        if self._failures > most or not self._max_retries:
            return True
        now = self._clock()
        self._hasty = now - (now if self._first is None else self._first) + state.upcoming_sleep > self._patience_s
        return self._hasty

    def told(self, error: Refused) -> ModelError:
        """The last error as the caller gets it."""
        if not self._hasty:
            return error.plain()
        asked = f", and it asks to wait {round(error.wait_s, 1):g} s" if error.wait_s else ""
        words = f"{error} (tried for {self._patience_s:g} s at most{asked}; raise --patience)"
        # A limit that is spent for so long is spent for every other call.
        fatal = error.fatal or error.trouble == "limit"
        return ModelError(words, retryable=True, status=error.status, fatal=fatal)


def _error(state: RetryCallState) -> Refused | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, Refused) else None
