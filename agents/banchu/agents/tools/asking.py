"""`ToolModel`: a model that may call tools before it answers, for whoever asks one that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from banchu.agents.tools.converse import MAX_TURNS, converse
from banchu.agents.tools.speech import Way
from banchu.agents.tools.toolbox import ToolBox
from banchu.core.chat import Completion, Request
from banchu.models.protocol import Around, Model

CHECK: Final = "\n\nCheck the answer with the tools first, and then write your review."
"""What a critic with tools is told besides."""


class ToolModel(Around):
    """One of an episode's models with the episode's tools. Each turn is a call of the model within.

    Args:
        spent: what the model within raises where a budget covers no further call. A first answer that is cut there is
            what was said last; elsewhere it goes through.
    """

    def __init__(
        self, model: Model, box: ToolBox, way: Way, *, spent: type[Exception], max_turns: int = MAX_TURNS
    ) -> None:
        super().__init__(model)
        self._box, self._way, self._spent, self._max_turns = box, way, spent, max_turns

    async def complete(self, request: Request) -> Completion:
        if request.role == "critic" and not isinstance(request.prompt, str):
            *before, last = request.prompt
            request = replace(request, prompt=(*before, replace(last, content=last.content + CHECK)))
        within = _Remembers(self._model)
        try:
            return (await converse(within, request, self._box, self._way, max_turns=self._max_turns)).completion
        except self._spent:
            if within.last is None or request.role != "actor" or request.round:
                raise
            return within.last


class _Remembers(Around):
    """What the model said last."""

    last: Completion | None = None

    async def complete(self, request: Request) -> Completion:
        self.last = await super().complete(request)
        return self.last
