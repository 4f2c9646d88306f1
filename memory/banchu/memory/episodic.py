"""The memory of one episode: the latest reflections, in order.

One object an episode, made fresh, so nothing can pass from one task or arm to another. It is never stored: a resumed
episode is replayed from the ledger and remembers the same things again.
"""

from __future__ import annotations

from collections import deque


class EpisodicMemory:
    """A window of the last `window` reflections (Reflexion's programming agent keeps 1, AlfWorld's 3).

    Source: Shinn et al. 2023, section 3, "memory" (a bound of 1 to 3 experiences).
    """

    def __init__(self, window: int) -> None:
        if window < 0:
            raise ValueError(f"window={window} is negative")
        self._kept: deque[str] = deque(maxlen=window)

    def remember(self, reflection: str) -> None:
        self._kept.append(reflection)

    def recall(self) -> tuple[str, ...]:
        """The kept reflections, oldest first."""
        return tuple(self._kept)
