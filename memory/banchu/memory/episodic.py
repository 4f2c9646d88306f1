"""The memory of one episode: the latest reflections, in order.

One object an episode, made fresh, so nothing can pass from one task or arm to another. It is never stored: a resumed
episode is replayed from the ledger and remembers the same things again.
"""

from __future__ import annotations

from collections.abc import Sequence


class EpisodicMemory:
    """A window of the last `window` reflections (Reflexion's programming agent keeps 1, AlfWorld's 3).

    Source: Shinn et al. 2023, section 3, "memory" (a bound of 1 to 3 experiences).
    """

    def __init__(self, window: int) -> None:
        if window < 0:
            raise ValueError(f"window={window} is negative")
        self._window = window
        self._about: dict[int, str] = {}

    def remember(self, reflection: str, about: int) -> None:
        self._about[about] = reflection

    def recall(self, path: Sequence[int]) -> tuple[str, ...]:
        """The kept reflections on the attempts of `path`, oldest first."""
        found = [self._about[round] for round in path if round in self._about]
        return tuple(found[-self._window :] if self._window else ())
