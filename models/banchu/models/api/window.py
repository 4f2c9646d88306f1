"""How many calls may be in flight: more while that helps, fewer when the server is in trouble or slows down.

Additive increase, multiplicative decrease (Chiu and Jain 1989), with the slow start of TCP (RFC 5681): one more for
each answer until the first trouble, after it one more for each window of answers. How much it decreases goes by the
share of troubled answers (DCTCP, RFC 8257): by half where all fail, by little where one in a hundred does, whatever
the load. A rise of latency is one of the recent answers over the long-run ones, as in Netflix's concurrency-limits
(Gradient2Limit), so that a server that has become slow for good is the new normal, and is not punished for ever.
"""

from __future__ import annotations

from typing import Final

_START: Final = 32.0
_RISE: Final = 2.0
"""Recent latency over long-run latency that is a rise."""
_HELD: Final = 1.5
"""Below this, latency holds."""
_RECENT, _LONG_RUN = 0.2, 0.01
"""Weights of a new answer in the two averages."""
_WARM: Final = 20
"""Answers before the averages mean something."""
_SHARE: Final = 1 / 16
"""Weight of a new answer in the share of troubled ones."""
_SOME_TOKENS: Final = 32
"""What reading a prompt takes, in tokens written: long answers take long, and are no rise."""


class Window:
    """The number of calls that may be in flight, from 1 to `ceiling`."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = float(ceiling)
        self._size = min(_START, self._ceiling)
        self._starting = True
        self._cut_at = float("-inf")
        self._recent = self._long_run = 0.0
        self._answers = 0
        self._troubled = 0.5

    @property
    def size(self) -> int:
        return max(1, int(self._size))

    def answered(self, begun: float, wall_s: float, tokens: int, in_flight: int, now: float) -> None:
        """An answer of `tokens` came after `wall_s`. `in_flight` counts it still."""
        self._note(wall_s / (tokens + _SOME_TOKENS))
        self._troubled -= self._troubled * _SHARE
        warm = self._answers >= _WARM
        if warm and self._recent > _RISE * self._long_run:
            self._cut(begun, now, 0.8)
        elif in_flight >= self.size and (not warm or self._recent <= _HELD * self._long_run):
            # Only where all of it was used: what was not tried out is not known to be borne.
            self._size = min(self._ceiling, self._size + (1.0 if self._starting else 1.0 / self._size))

    def troubled(self, begun: float, now: float, *, load: bool = True) -> None:
        """A call that was sent at `begun` was refused for load, timed out, or was refused for its rate.

        A refusal for the rate (not `load`) says little of how many may be in flight, and the pace sees to the rest:
        the start goes on after it.
        """
        self._troubled += (1 - self._troubled) * _SHARE
        starting = self._starting and not load
        self._cut(begun, now, 1 - self._troubled / 2)
        self._starting = starting

    def _cut(self, begun: float, now: float, factor: float) -> None:
        """Once for all calls that were in flight together."""
        if begun < self._cut_at:
            return
        self._size = max(1.0, self._size * factor)
        self._cut_at = now
        self._starting = False

    def _note(self, pace: float) -> None:
        self._answers += 1
        # Plain means at first, so that the first answer does not weigh for ever.
        self._recent += (pace - self._recent) * max(_RECENT, 1 / self._answers)
        self._long_run += (pace - self._long_run) * max(_LONG_RUN, 1 / self._answers)
        if self._long_run > 2 * self._recent:  # a slow time has ended
            self._long_run *= 0.95
