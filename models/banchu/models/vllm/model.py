"""vLLM's engine as a `Model`: a process that hosts it, and the asyncio side that asks it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from banchu.core.chat import Completion, Request
from banchu.core.errors import ModelError
from banchu.models.hosted import completion_of
from banchu.models.protocol import PromptStyle
from banchu.models.vllm.process import EngineProcess


class VllmModel:
    """Generates in vLLM's engine, started with the first call. Use it from one event loop.

    Calls made at once are one batch: vLLM lets them join and leave it. Each samples with its own seed, so a sample does
    not depend on which batch it rode in, up to floating point: a near-tie may fall the other way, as it may where a
    prompt's beginning was found in the engine's cache. vLLM takes a temperature above 0 and below 0.01 for 0.01, and
    counts the token that ends an answer among its tokens.

    Args:
        id: names checkpoint, weights and the engine's settings.
        checkpoint: gives the folder to load, when it is needed.
        prompt_style: how to ask it for code.
        settings: fields of vLLM's `AsyncEngineArgs`.
    """

    def __init__(
        self, id: str, checkpoint: Callable[[], Path], prompt_style: PromptStyle, settings: Mapping[str, Any]
    ) -> None:
        self._id = id
        self._checkpoint = checkpoint
        self._style = prompt_style
        self._settings = dict(settings)
        self._engine: EngineProcess | None = None
        self._starting = asyncio.Lock()

    @property
    def id(self) -> str:
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    async def prepare(self) -> list[str]:
        """Load the weights, since only vLLM knows whether they fit, and only when they are there. Raises ModelError."""
        await self._started()
        return []

    async def start(self) -> None:
        """Load the weights; the first call does it otherwise. Raises ModelError."""
        await self._started()

    async def _started(self) -> EngineProcess:
        async with self._starting:
            if self._engine is None:
                path = await asyncio.to_thread(self._checkpoint)
                self._engine = await EngineProcess.spawn(self._id, path, self._settings)
            engine = self._engine
        await engine.ready()
        return engine

    async def complete(self, request: Request) -> Completion:
        self._check(request)
        engine, begun = await self._started(), time.monotonic()
        found = await engine.ask(request)
        return completion_of(found, request, time.monotonic() - begun)

    def _check(self, request: Request) -> None:
        """Raises ModelError for what is asked and cannot be had; nothing is passed over in silence."""
        barred = {"tools", "answer_schema", "prefill"} if isinstance(request.prompt, str) else set[str]()
        if asked := sorted(request.extras.keys() & barred):
            raise ModelError(f"{self._id}: raw text takes no {', '.join(asked)}; ask in a chat (--style chat)")

    async def aclose(self) -> None:
        async with self._starting:
            engine, self._engine = self._engine, None
        if engine:
            await engine.close()
