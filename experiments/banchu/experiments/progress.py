"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import Protocol

from banchu.core.chat import Completion
from banchu.core.episode import EpisodeStatus
from banchu.core.verdict import VerdictKind


class Progress(Protocol):
    """Called from the run's event loop; must return at once."""

    def started(self, total: int, already: int, attempts: int) -> None:
        """Episodes in the run, how many of them an earlier process finished, and attempts an episode at most."""

    def call(self, completion: Completion) -> None:
        """An answer was bought."""

    def attempt(self) -> None:
        """An episode made an attempt."""

    def verdict(self, kind: VerdictKind) -> None:
        """An attempt was judged."""

    def episode(self, arm: str, status: EpisodeStatus) -> None:
        """An episode ended."""

    def notice(self, text: str) -> None:
        """Something the user should read now."""


class Silent:
    """Watches nothing."""

    def started(self, total: int, already: int, attempts: int) -> None: ...

    def call(self, completion: Completion) -> None: ...

    def attempt(self) -> None: ...

    def verdict(self, kind: VerdictKind) -> None: ...

    def episode(self, arm: str, status: EpisodeStatus) -> None: ...

    def notice(self, text: str) -> None: ...
