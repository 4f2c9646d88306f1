"""The models of a run: one that answers, and, where they are others, one that reviews and one that writes lessons.

Correction by another model is a condition of its own (Kamoi et al. 2024: cross-model correction), so it is part of the
run's configuration, and never called self-correction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from banchu.models import Around, Model
from banchu.models.registry import ModelOptions, open_model

if TYPE_CHECKING:
    from banchu.experiments.launch import Invocation


class Team:
    """Opens each model once, however many parts it plays, with `opener`. Raises as that does."""

    def __init__(self, invocation: Invocation, opener: Callable[[str, ModelOptions], Model] = open_model) -> None:
        options = invocation.model_options
        self._opener = opener
        self._open = {invocation.model: opener(invocation.model, options)}
        self.actor: Model = self._open[invocation.model]
        self.critic = self._of(invocation.critic, options)
        self.reflector = self._of(invocation.reflector, options)

    def _of(self, spec: str | None, options: ModelOptions) -> Model:
        if spec is None:
            return self.actor
        if spec not in self._open:
            # How code is asked for is the actor's matter, and an endpoint means something to its own kind only.
            options = replace(options, style=None)
            if not spec.startswith("openai:"):
                options = replace(options, base_url=None, omit="", max_rpm=None, max_tpm=None)
            self._open[spec] = self._opener(spec, options)
        return self._open[spec]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the models have to say of their calls, each after its name."""
        return tuple(f"{model.id}: {note}" for model in self._open.values() for note in Around(model).notes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for model in self._open.values():
            await model.aclose()
