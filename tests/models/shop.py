"""A shop where recordings buy answers (a fake), and recordings of a few requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from banchu.core.chat import Completion, Message, Request, Sampling
from banchu.core.errors import ModelError
from banchu.models.protocol import Model
from banchu.models.recorded import Recording
from banchu.models.registry import ModelOptions
from banchu.models.scripted import ScriptedModel

CHAT = (Message("system", "You write Python."), Message("user", "Write f.\nIt adds.\nIt is short."))
ASKED = Request(CHAT, Sampling(seed=7), "critic", 1)


class Shop:
    """What `open_model` is to a recording: counted, and a fake."""

    def __init__(self, reply: Callable[[Request], str] = lambda request: f"answer to {request.sampling.seed}") -> None:
        self.reply = reply
        self.models: dict[str, ScriptedModel] = {}

    def open(self, spec: str, options: ModelOptions) -> Model:
        url = f"@{options.base_url}" if options.base_url else ""
        model = ScriptedModel(self.reply, id=f"{spec}{url}", prompt_style=options.style or "chat")
        self.models[spec] = model
        return model


def nobody(spec: str, options: ModelOptions) -> Model:
    raise AssertionError(f"{spec} was opened")


async def record(path: Path, shop: Shop, *requests: Request, spec: str = "m") -> list[Completion]:
    with Recording(path, "record", opener=shop.open) as recording:
        model = recording.open(spec)
        return [await model.complete(request) for request in requests]


async def missed(path: Path, request: Request, spec: str = "m") -> str:
    with Recording(path, "replay", opener=nobody) as recording, pytest.raises(ModelError) as error:
        await recording.open(spec).complete(request)
    assert error.value.fatal
    return str(error.value)
