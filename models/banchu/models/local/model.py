"""A local checkpoint as a `Model`: worker processes that batch, and the asyncio side that feeds them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import ClassVar

from banchu.core.chat import Completion, Message, Request
from banchu.core.errors import ModelError
from banchu.models.hosted import Hosted, completion_of
from banchu.models.local.adapter import adapter_size
from banchu.models.local.machine import memory_available
from banchu.models.local.memory_fit import Machine, Plan, plan, unchecked
from banchu.models.local.memory_need import need_of
from banchu.models.local.placement import Loading, Settings
from banchu.models.protocol import PromptStyle

_REMEMBERED = 1024


class LocalModel:
    """Generates in worker processes, started with the first call. Use it from one event loop.

    The same request gives the same answer up to floating point: see `batch`.

    Args:
        id: names checkpoint and weights, and what else changes the numbers (`Settings.mark`).
        checkpoint: gives the folder to load, when it is needed; may take its time (a conversion, a download).
        prompt_style: how to ask it for code.
        workers: processes, each with its own copy of the weights; None: one a core, or one a GPU, if they fit.
        loading: device, numbers, adapter.
    """

    _promised: ClassVar[dict[LocalModel, Plan]] = {}
    """Plans of models that are open: what is planned is not in use yet, and another model must not count on it."""

    def __init__(
        self,
        id: str,
        checkpoint: Callable[[], Path],
        prompt_style: PromptStyle,
        workers: int | None = None,
        loading: Loading | None = None,
    ) -> None:
        self._id = id
        self._checkpoint = checkpoint
        self._style = prompt_style
        self._n_workers = workers
        self._loading = loading or Loading(Settings())
        self._path: Path | None = None
        self._workers: list[_Worker] = []
        self._starting = asyncio.Lock()
        self._readers: OrderedDict[str | tuple[Message, ...], _Worker] = OrderedDict()
        """Who read a prompt last: whoever did need not read it again."""

    @property
    def id(self) -> str:
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    @property
    def notes(self) -> list[str]:
        """What a report should say of the answers."""
        if self._loading.settings.quantize != "int8":
            return []
        return ["int8 looks for outliers over a whole batch, so an answer depends on what else was asked just then"]

    async def prepare(self) -> list[str]:
        """Find the weights, and how they fit; the first call does it otherwise. Returns what the user should know.

        Raises:
            ModelError: fatal; they do not fit into memory.
        """
        async with self._starting:
            return list((await self._planned()).notices)

    async def start(self) -> None:
        """Load the weights in every worker; the first call does it otherwise. Raises ModelError."""
        await self._started()

    async def _planned(self) -> Plan:
        """Decided once, with the lock held."""
        if (known := self._promised.get(self)) is not None:
            return known
        self._path = path = await asyncio.to_thread(self._checkpoint)
        settings = self._loading.settings
        machine = Machine(memory_available(), self._loading.gpus, len(os.sched_getaffinity(0)))
        if not self._loading.fit_check:
            found = unchecked(settings, machine, self._n_workers)
        else:
            for model, other in self._promised.items():
                machine = machine.without(other.uses, loaded=bool(model._workers))
            needs = partial(need_of, path, adapter_bytes=adapter_size(settings.adapter))
            found = plan(self._id, settings, needs, machine, self._n_workers)
        self._promised[self] = found
        return found

    async def _started(self) -> list[_Worker]:
        async with self._starting:
            planned = await self._planned()
            assert self._path is not None
            # One by one: whoever is cancelled here leaves no worker that `aclose` does not know.
            for settings in planned.workers[len(self._workers) :]:
                self._workers.append(await _Worker.spawn(self._id, self._path, settings))
            workers = self._workers
        for worker in workers:
            await worker.ready()
        return workers

    async def complete(self, request: Request) -> Completion:
        if barred := [name for name in request.extras if name not in ("prefill", "tools")]:
            raise ModelError(f"{self._id}: a local model takes no {', '.join(barred)}; use one over an API")
        if request.extras and isinstance(request.prompt, str):
            raise ModelError(f"{self._id}: a prefill and tools go with a chat; raw text is continued as it is")
        worker = self._pick(await self._started(), request)
        return await worker.complete(request)

    def _pick(self, workers: list[_Worker], request: Request) -> _Worker:
        """The one with least to do, or the one that has read this prompt, where that is nearly as free."""
        idle, known = min(workers, key=lambda worker: worker.load), self._readers.get(request.prompt)
        if known not in workers or known.load > 1.25 * idle.load + len(request.prompt_text):
            known = idle
        self._readers[request.prompt] = known
        self._readers.move_to_end(request.prompt)
        if len(self._readers) > _REMEMBERED:
            self._readers.popitem(last=False)
        return known

    async def aclose(self) -> None:
        async with self._starting:
            workers, self._workers = self._workers, []
            self._readers.clear()
            self._promised.pop(self, None)
        await asyncio.gather(*(worker.close() for worker in workers))


class _Worker(Hosted):
    """One worker process."""

    load = 0
    """Characters of prompts and tokens of answers that are outstanding; what balances workers."""

    @classmethod
    async def spawn(cls, id: str, path: Path, settings: Settings) -> _Worker:
        # One thread each, said before torch is imported: an OpenMP team that is larger spins on the other's core.
        threads = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        # On a CPU libraries would still make a context on each GPU that they see.
        hidden = {} if settings.on_gpu else {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
        told = json.dumps(asdict(settings))
        return await cls.start(id, "banchu.models.local.worker", str(path), told, env={**threads, **hidden})

    async def complete(self, request: Request) -> Completion:
        begun, weight = time.monotonic(), len(request.prompt_text) + 8 * request.sampling.max_tokens
        self.load += weight
        try:
            found = await self.ask(request)
        finally:
            self.load -= weight
        return completion_of(found, request, time.monotonic() - begun)

    def _why(self, code: int, failed: str) -> str:
        if failed:
            return failed
        said = next((line for line in reversed(self._said) if line.strip()), "it said nothing")
        memory = "; it was killed, probably for memory: use --workers 1" if code == -9 else ""
        return f"a worker ended with status {code} ({said.strip()}){memory}"
