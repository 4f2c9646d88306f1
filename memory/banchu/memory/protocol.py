"""What the graph asks of a memory."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """Keeps reflections and gives back those that the next prompt may show."""

    def remember(self, reflection: str) -> None: ...

    def recall(self) -> tuple[str, ...]:
        """The reflections for the next prompt, oldest first."""
        ...
