"""What the graph asks of a memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Memory(Protocol):
    """Keeps reflections and gives back those that the next prompt may show."""

    def remember(self, reflection: str, about: int) -> None:
        """Keep a reflection on the attempt of round `about`."""
        ...

    def recall(self, path: Sequence[int]) -> tuple[str, ...]:
        """The reflections for a prompt that goes on from these attempts, each a revision of the one before it: oldest
        first, and of each attempt the latest."""
        ...
