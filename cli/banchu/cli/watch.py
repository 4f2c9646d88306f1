"""The live display of a run: one bar on a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import time
from collections import Counter

from banchu.cli.bar import Bar, clock
from banchu.core.chat import Completion
from banchu.core.episode import EpisodeStatus
from banchu.core.verdict import VerdictKind

_RATE_WINDOW_S = 30.0


class Watch(Bar):
    """A `Progress` that shows episodes done, verdicts so far, tokens/s and time left."""

    def __init__(self, *, terminal: bool | None = None) -> None:
        super().__init__(terminal=terminal)
        self._begun = time.monotonic()
        self._total = self._already = self._per_episode = self._attempts = 0
        self._ended: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._tokens: list[tuple[float, int]] = []

    def started(self, total: int, already: int, attempts: int) -> None:
        self._begun = time.monotonic()
        self._total, self._already, self._per_episode = total, already, attempts
        self.show(force=True)

    def call(self, completion: Completion) -> None:
        self._tokens.append((time.monotonic(), completion.usage.completion_tokens))
        self.show()

    def attempt(self) -> None:
        self._attempts += 1

    def verdict(self, kind: VerdictKind) -> None:
        self._verdicts[kind] += 1
        self.show()

    def episode(self, arm: str, status: EpisodeStatus) -> None:
        self._ended[status] += 1
        self.show()

    def parts(self) -> tuple[int, int]:
        return self._already + self._ended.total(), self._total

    def line(self) -> str:
        if not self._total:
            return "starting"
        done = self._already + self._ended.total()
        parts = [f"episodes {done}/{self._total}"]
        if self._ended["failed"]:
            parts.append(f"{self._ended['failed']} failed")
        if self._verdicts:
            # Not an accuracy: programs that several arms share are judged, and counted here, once.
            kinds = ", ".join(f"{kind} {n}" for kind, n in self._verdicts.most_common())
            parts.append(f"verdicts: {kinds}")
        parts.append(f"{self._rate():.0f} tokens/s")
        if (left := self._seconds_left()) is not None:
            parts.append(f"{clock(left)} left")
        return " · ".join(parts)

    def _rate(self) -> float:
        """Completion tokens a second over the last half minute."""
        now = time.monotonic()
        self._tokens = [(at, n) for at, n in self._tokens if now - at <= _RATE_WINDOW_S]
        return sum(n for _, n in self._tokens) / max(1.0, min(_RATE_WINDOW_S, now - self._begun))

    def _seconds_left(self) -> float | None:
        """From attempts, since all episodes may be in flight at once and end together."""
        ended, todo = self._ended.total(), self._total - self._already
        expected = todo * self._per_episode
        # An episode that ended took all the attempts it will ever take.
        made = max(self._attempts, ended * self._per_episode)
        if not made or not expected:
            return None
        return (time.monotonic() - self._begun) * (expected - min(made, expected)) / made
