"""A line about work under way: one bar on a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_PLAIN_EVERY_S = 5.0


class Bar(ABC):
    """What `line` says, shown as often as a reader can use it."""

    def __init__(self, *, terminal: bool | None = None) -> None:
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._live: Live | None = None
        self._last_line = 0.0

    @abstractmethod
    def line(self) -> str:
        """Where the work stands."""

    @abstractmethod
    def parts(self) -> tuple[int, int]:
        """(done, total); a total of 0: not begun."""

    def __enter__(self) -> Self:
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
        elif self.parts()[1]:
            print(self.line(), file=sys.stderr, flush=True)

    def notice(self, text: str) -> None:
        """A line of its own, above the bar."""
        if self._live:
            self._live.console.print(text, style="yellow", highlight=False, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def show(self, *, force: bool = False) -> None:
        """Something has changed."""
        now = time.monotonic()
        if self._live is None and (force or now - self._last_line >= _PLAIN_EVERY_S):
            self._last_line = now
            print(self.line(), file=sys.stderr, flush=True)

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        done, total = self.parts()
        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(total or 1, done, width=16), Text(self.line()))
        return row


def clock(seconds: float) -> str:
    """`1:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
