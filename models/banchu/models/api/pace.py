"""How many calls a second, learned from refusals where the server does not tell its limit.

A refusal cuts the pace to nine tenths of what was last borne. At first it then doubles each second, since little is
known; once it has met the limit that way, it grows as a cubic (RFC 9438): quickly back to just below what was last
borne, long near it, and ever faster beyond, should the limit have risen. Without a pace a window of calls would meet a
limit with all it has: refusals come back at once, and each would make room for another.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from banchu.models.api.bucket import Bucket

_KEPT: Final = 0.9
_BACK_S: Final = (3.0, 10.0)
_BACK_CALLS: Final = 30
"""The pace is back where it was after so many calls, but not before the first nor after the second of these times. It
is twice that after three times as long."""
_MEASURED_S: Final = (1.0, 3.0)
"""What was sent is measured over both, and the more counts: a second in which this machine stood still, after which too
much went out at once, says nothing of the server."""
_GROWING: Final = 1.25
"""What is sent in a second that doubles the pace, to the pace at its end, is 1 / 1.4; no more than this is added to
what was measured, so that a pace that nobody kept up with is not taken for one that was borne."""
_PROBED_S: Final = 1.0
_LEAST: Final = 1 / 60
_CATCH_UP_S: Final = 0.05


class Pace:
    """Calls a second; none until the first refusal."""

    def __init__(self) -> None:
        self._bucket: Bucket | None = None
        self._borne = 0.0
        self._cut_at = float("-inf")
        self._probing = True
        self._first_cut_at = 0.0
        self._sent: deque[float] = deque()

    def per_s(self, now: float) -> float | None:
        """The pace at `now`; None: as fast as they come."""
        if self._bucket is None:
            return None
        t = now - self._cut_at
        if self._probing:
            return float(self._borne * _KEPT * 2 ** min(t, 30.0))
        back_s = min(max(_BACK_S[0], _BACK_CALLS / self._borne), _BACK_S[1])
        return self._borne * (1 + (1 - _KEPT) * (t / back_s - 1) ** 3)

    def ready_at(self, now: float) -> float:
        if self._bucket is None:
            return now
        self._tune(now)
        return self._bucket.ready_at(now)

    def sent(self, now: float) -> None:
        self._sent.append(now)
        self._forget(now)
        if self._bucket:
            self._bucket.pour(1, now)

    def refused(self, begun: float, now: float) -> None:
        """The call that was sent at `begun` was one too many. Once for all calls that were in flight together."""
        if begun in self._sent:
            self._sent.remove(begun)
        if begun < self._cut_at:
            return
        self._forget(now)
        measured = max(1.0, *(sum(at > now - span for at in self._sent) / span for span in _MEASURED_S))
        known = self.per_s(now)
        self._borne = max(_LEAST, measured if known is None else min(known, _GROWING * measured))
        # Sooner, it is the burst at the start that the server still refuses.
        self._first_cut_at = now if known is None else self._first_cut_at
        self._probing = self._probing and now - self._first_cut_at < _PROBED_S
        self._cut_at = now
        if self._bucket is None:
            self._bucket = Bucket(self._borne, 0.0, now)
            self._bucket.pour(1, now)

    def _tune(self, now: float) -> None:
        pace = self.per_s(now)
        if self._bucket is not None and pace is not None:
            self._bucket.retune(pace, pace * _CATCH_UP_S, now)

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0] <= now - _MEASURED_S[-1]:
            self._sent.popleft()
