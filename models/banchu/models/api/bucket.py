"""A leaky bucket: so much a second, evenly, with no burst at the start of a minute."""

from __future__ import annotations

from typing import Final

MINUTE_S: Final = 60.0
_TOLERANCE_S: Final = 0.1
"""How far a late one may be caught up with. A limit is spread over so much more, so that a minute never holds more."""


class Bucket:
    """Each call pours in its cost; the bucket leaks `per_s` a second; who finds more than `burst` in it must wait.

    Times are seconds of any clock that does not go back, given by the caller.
    """

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        # As full as may be: what nobody was late for is not to be caught up with.
        self._level = burst
        self._at = now

    def retune(self, per_s: float, burst: float, now: float) -> None:
        """Leak at another speed from now on."""
        self._leak(now)
        self._per_s, self._burst = per_s, burst

    def ready_at(self, now: float) -> float:
        """When the next may pour; `now` when at once."""
        self._leak(now)
        over_s = (self._level - self._burst) / self._per_s
        # Less than a clock can tell apart would be waited for again and again.
        return now + over_s if over_s > 1e-6 else now

    def pour(self, cost: float, now: float) -> None:
        self._leak(now)
        self._level += cost

    def correct(self, difference: float, now: float) -> None:
        """The cost of one that has been poured was other than was thought."""
        self._leak(now)
        self._level = max(0.0, self._level + difference)

    def _leak(self, now: float) -> None:
        self._level = max(0.0, self._level - self._per_s * max(0.0, now - self._at))
        self._at = max(self._at, now)


def a_minute(limit: float, now: float, minute_s: float = MINUTE_S) -> Bucket:
    """A bucket that lets at most `limit` calls of cost 1 through in any minute.

    From the first to the last of n calls in a minute, n - 1 must have leaked but for the burst; leaking
    limit / (minute + tolerance) a second, that is less than `limit`. Where costs differ, the last one may exceed it.
    """
    tolerance_s = _TOLERANCE_S * minute_s / MINUTE_S
    per_s = limit / (minute_s + tolerance_s)
    return Bucket(per_s, per_s * tolerance_s, now)
