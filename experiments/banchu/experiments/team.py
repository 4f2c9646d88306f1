"""The models of a run: one that answers, and, where they are others, one that reviews and one that writes lessons.

Correction by another model is a condition of its own (Kamoi et al. 2024: cross-model correction), so it is part of the
run's configuration, and never called self-correction. What finds lessons is opened beside them, and lessons of a
file or a store are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from banchu.core.embedder import Embedder
from banchu.experiments.memory_file import lessons_of
from banchu.memory import Entry
from banchu.models import Around, Model
from banchu.models.embedding.registry import EmbedderOptions, open_embedder
from banchu.models.registry import ModelOptions, is_api, is_local, is_plugin, open_model

if TYPE_CHECKING:
    from banchu.experiments.invocation import Invocation


class Team:
    """Opens each model once, however many parts it plays, with `opener`. Raises as that does.

    What the options say of an endpoint goes to the models behind one, whoever they are, and what they say of a device
    to those on this machine; they are refused where no model of the run takes them.
    """

    def __init__(self, invocation: Invocation, opener: Callable[[str, ModelOptions], Model] = open_model) -> None:
        self._options = invocation.model_options
        self._opener = opener
        self._open: dict[str, Model] = {}
        specs = [spec for spec in (invocation.model, invocation.critic, invocation.reflector) if spec is not None]
        self._behind_endpoints = _meant([spec for spec in specs if is_api(spec)], specs)
        self._on_devices = _meant([spec for spec in specs if is_local(spec)], specs)
        self.actor = self._of(invocation.model)
        self.critic = self.actor if invocation.critic is None else self._of(invocation.critic)
        self.embedder = _embedder(invocation)
        self._invocation = invocation
        self.lasting: tuple[Entry, ...] = ()
        """What arms with memory=file may read, once it is entered."""
        self.reflector = self.actor if invocation.reflector is None else self._of(invocation.reflector)

    def _of(self, spec: str) -> Model:
        if spec not in self._open:
            options = self._options
            if self._open:  # how code is asked for is the actor's matter
                options = replace(options, style=None, adapter="")
            if spec not in self._behind_endpoints:
                options = replace(options, base_url=None, omit="", max_rpm=None, max_tpm=None)
            if spec not in self._on_devices:
                options = replace(options, device="auto", dtype="auto", quantize="")
            self._open[spec] = self._opener(spec, options)
        return self._open[spec]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the models have to say of their calls, each after its name."""
        return tuple(f"{model.id}: {note}" for model in self._open.values() for note in Around(model).notes)

    async def prepare(self) -> list[str]:
        """What models need of this machine, before the first call; returns what to tell the user. Raises ModelError."""
        return [f"{model.id}: {notice}" for model in self._open.values() for notice in await Around(model).prepare()]

    async def __aenter__(self) -> Self:
        """Read the lessons. Raises as `lessons_of`."""
        try:
            self.lasting = await lessons_of(self._invocation)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for model in self._open.values():
            await model.aclose()
        if self.embedder:
            await self.embedder.aclose()


def _embedder(invocation: Invocation) -> Embedder | None:
    """Over an API it is asked where the models are."""
    there = invocation.model_options.base_url if is_api(invocation.embedder) else None
    return open_embedder(invocation.embedder, EmbedderOptions(base_url=there))


def _meant(kind: Sequence[str], specs: Sequence[str]) -> Sequence[str]:
    """Whom options for one kind of model go to: all of the kind, and an actor of the user's own, which may take any.

    Where there is neither, other models of the user's own; and else all, so that the first refuses what was said.
    """
    own = [spec for spec in specs if is_plugin(spec)]
    return [*kind, *(spec for spec in own if spec == specs[0])] or own or specs
