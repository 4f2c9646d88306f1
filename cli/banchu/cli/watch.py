"""The live display of a run: one bar on a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING

from banchu.core.chat import Completion
from banchu.core.episode import EpisodeStatus
from banchu.core.verdict import VerdictKind

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_PLAIN_EVERY_S = 5.0
_RATE_WINDOW_S = 30.0


class Watch:
    """A `Progress` that shows episodes done, verdicts so far, tokens/s and time left."""

    def __init__(self, *, terminal: bool | None = None) -> None:
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._live: Live | None = None
        self._begun = time.monotonic()
        self._total = self._already = self._per_episode = self._attempts = 0
        self._ended: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._tokens: list[tuple[float, int]] = []
        self._last_line = 0.0

    def __enter__(self) -> Watch:
        if self._terminal:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), get_renderable=self._bar, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        elif self._total:
            print(self._line(), file=sys.stderr, flush=True)

    def started(self, total: int, already: int, attempts: int) -> None:
        self._begun = time.monotonic()
        self._total, self._already, self._per_episode = total, already, attempts
        self._show(force=True)

    def call(self, completion: Completion) -> None:
        self._tokens.append((time.monotonic(), completion.usage.completion_tokens))
        self._show()

    def attempt(self) -> None:
        self._attempts += 1

    def verdict(self, kind: VerdictKind) -> None:
        self._verdicts[kind] += 1
        self._show()

    def episode(self, arm: str, status: EpisodeStatus) -> None:
        self._ended[status] += 1
        self._show()

    def notice(self, text: str) -> None:
        if self._live:
            self._live.console.print(text, style="yellow", highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _show(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if self._live is None and (force or now - self._last_line >= _PLAIN_EVERY_S):
            self._last_line = now
            print(self._line(), file=sys.stderr, flush=True)

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(self._total or 1, self._already + self._ended.total(), width=16), self._line())
        return row

    def _line(self) -> str:
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
            parts.append(f"{_clock(left)} left")
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


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
