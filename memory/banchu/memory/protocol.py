"""What is asked of a memory: by an episode of its own one, and by whoever keeps reflections for longer.

They are two, since they are asked different things. An episode gives its prompts the reflections on the attempts that
they go on from, by position; it asks at every round, searches nothing, and no wall stands inside it. `Memory` is asked
what is near, by whoever names arm, task and split; its scope `episode` keeps the reflections of many episodes apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from banchu.memory.entry import Entry
from banchu.memory.query import Query, Selection
from banchu.memory.recall import Recall


class EpisodeMemory(Protocol):
    """What the graph asks: keeps an episode's reflections and gives back those that the next prompt may show."""

    def remember(self, reflection: str, about: int) -> None:
        """Keep a reflection on the attempt of round `about`."""
        ...

    def recall(self, path: Sequence[int]) -> tuple[str, ...]:
        """The reflections for a prompt that goes on from these attempts, each a revision of the one before it: oldest
        first, and of each attempt the latest."""
        ...


class Memory(Protocol):
    """Keeps entries, finds those that are near, and forgets.

    All raise StorageError where what lies beneath cannot be read or written, and ModelError where the embedder fails.
    """

    @property
    def id(self) -> str:
        """Names what finds: the kind of store and the embedder. Part of a run's configuration."""
        ...

    async def remember(self, *entries: Entry) -> None:
        """Keep all of these or none. Once it returns they survive whatever the store survives.

        An entry with the id of another replaces it: an episode that is walked again remembers the same things again.
        """
        ...

    async def recall(self, query: Query) -> Recall:
        """The nearest entries that the query allows. Raises ConfigError for a threshold without an embedder."""
        ...

    async def forget(self, which: Selection) -> int:
        """How many entries were there and are gone."""
        ...

    async def entries(self, which: Selection) -> list[Entry]:
        """All of these, oldest first (`in_order`). For listings, exports and policies that choose without a search."""
        ...

    async def aclose(self) -> None:
        """Release files and matrices; the embedder is its owner's. Idempotent."""
        ...
