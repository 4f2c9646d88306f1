"""Models that answer out of a recording: one that asks another model for what is missing, and one that has none."""

from __future__ import annotations

from dataclasses import dataclass

from banchu.core.chat import Completion, Request
from banchu.core.errors import ModelError
from banchu.models.protocol import Around, Model, PromptStyle
from banchu.models.recorded.codec import entry_of
from banchu.models.recorded.miss import miss
from banchu.models.recorded.store import Store


@dataclass(slots=True)
class Tally:
    """Calls so far."""

    bought: int = 0
    """Asked of a model, and kept."""
    taken: int = 0
    """Answered from the file."""


class RecordingModel(Around):
    """A model whose answers are kept before anybody sees them, and not asked for twice.

    A call that failed for good (a prompt that does not fit) is kept too. One that may succeed later is kept for
    replays, and asked again here. One that was never sent is neither.
    """

    def __init__(self, model: Model, store: Store, tally: Tally) -> None:
        super().__init__(model)
        self._store = store
        self._tally = tally

    def holds(self, key: str) -> bool:
        """Whether the answer to a request is taken from the file."""
        known = self._store.find(key)
        return known is not None and known.final

    async def complete(self, request: Request) -> Completion:
        """As the model. Also raises DataError and StorageError, of the file."""
        known = self._store.find(request.key(self.id))
        if known is not None and known.final:
            self._tally.taken += 1
            return known.result()
        try:
            completion = await self._model.complete(request)
        except ModelError as error:
            if not error.fatal:
                self._store.add(entry_of(self.id, request, error))
            raise
        self._tally.bought += 1
        return self._store.add(entry_of(self.id, request, completion)).result()


class ReplayedModel:
    """A model that is not there: whatever it said when it was recorded, it says again.

    Args:
        hint: what to know where something is missing, such as another Python.
    """

    def __init__(self, id: str, prompt_style: PromptStyle, store: Store, tally: Tally, hint: str = "") -> None:
        self._id = id
        self._style: PromptStyle = prompt_style
        self._store = store
        self._tally = tally
        self._hint = hint
        self.takes_tools = False
        """Whether it took them when it was recorded, so that it is asked as then."""
        self._missed: ModelError | None = None

    @property
    def id(self) -> str:
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    def holds(self, key: str) -> bool:
        """Whether there is something recorded of a request."""
        return self._store.find(key) is not None

    async def complete(self, request: Request) -> Completion:
        """The recorded answer.

        Raises:
            ModelError: as recorded; or, fatal, there is none: shows the nearest recorded request.
            DataError: the file is damaged there.
        """
        known = self._store.find(request.key(self._id))
        if known is None:
            # Looked for once: the run ends with it, and calls that are under way would say the same of theirs.
            self._missed = self._missed or miss(self._store.path, self._id, request, self._store.entries(), self._hint)
            raise self._missed
        self._tally.taken += 1
        return known.result()

    async def aclose(self) -> None:
        """Nothing to release: the recording owns the file."""
