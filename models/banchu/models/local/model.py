"""A local checkpoint as a `Model`: worker processes that batch, and the asyncio side that feeds them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from banchu.core.chat import Completion, Request, Usage
from banchu.core.errors import ContextOverflow, ModelError
from banchu.models.protocol import PromptStyle

_LINE_LIMIT = 64 * 2**20


class LocalModel:
    """Generates in worker processes, started with the first call. Use it from one event loop.

    The same request gives the same answer up to floating point: see `batch`.

    Args:
        id: names checkpoint and weights.
        checkpoint: gives the folder to load, when it is needed; may take its time (a conversion, a download).
        prompt_style: how to ask it for code.
        workers: processes, each with its own copy of the weights; None: one a core, or one where there is a GPU.
    """

    def __init__(
        self, id: str, checkpoint: Callable[[], Path], prompt_style: PromptStyle, workers: int | None = None
    ) -> None:
        self._id = id
        self._checkpoint = checkpoint
        self._style = prompt_style
        self._n_workers = workers or (1 if _has_gpu() else os.cpu_count() or 1)
        self._workers: list[_Worker] = []
        self._starting = asyncio.Lock()

    @property
    def id(self) -> str:
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._style

    async def start(self) -> None:
        """Load the weights in every worker; the first call does it otherwise. Raises ModelError."""
        await self._started()

    async def _started(self) -> list[_Worker]:
        async with self._starting:
            if len(self._workers) < self._n_workers:
                path = await asyncio.to_thread(self._checkpoint)
            # One by one: whoever is cancelled here leaves no worker that `aclose` does not know.
            while len(self._workers) < self._n_workers:
                self._workers.append(await _Worker.spawn(self._id, path))
            workers = self._workers
        for worker in workers:
            await worker.ready()
        return workers

    async def complete(self, request: Request) -> Completion:
        if request.extras:
            raise ModelError(f"{self._id}: a local model takes no {', '.join(request.extras)}; use one over an API")
        worker = min(await self._started(), key=lambda worker: worker.load)
        return await worker.complete(request)

    async def aclose(self) -> None:
        async with self._starting:
            workers, self._workers = self._workers, []
        await asyncio.gather(*(worker.close() for worker in workers))


class _Worker:
    """One worker process and the answers that are waited for."""

    def __init__(self, id: str, process: asyncio.subprocess.Process) -> None:
        self._id = id
        self._process = process
        self._tickets = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_words: deque[str] = deque(maxlen=20)
        self._dead: ModelError | None = None
        self.load = 0
        """Characters of prompts and tokens of answers that are outstanding; what balances workers."""
        self._loaded = asyncio.Event()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]

    @classmethod
    async def spawn(cls, id: str, path: Path) -> _Worker:
        # One thread each, said before torch is imported: an OpenMP team that is larger spins on the other's core.
        # -P: Python would look for modules in the user's folder first, where a `random.py` may lie.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "banchu.models.local.worker", str(path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
            limit=_LINE_LIMIT,
        )
        return cls(id, process)

    async def ready(self) -> None:
        """Until the weights are loaded. Raises ModelError when they never will be."""
        await self._loaded.wait()
        if self._dead:
            raise self._dead

    async def complete(self, request: Request) -> Completion:
        if self._dead:
            raise self._dead
        ticket, begun = next(self._tickets), time.monotonic()
        prompt = request.prompt if isinstance(request.prompt, str) else [[m.role, m.content] for m in request.prompt]
        weight = len(request.prompt_text) + 8 * request.sampling.max_tokens
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = answer
        self.load += weight
        try:
            line = json.dumps({"ticket": ticket, "prompt": prompt, "sampling": asdict(request.sampling)}) + "\n"
            assert self._process.stdin
            self._process.stdin.write(line.encode())
            with contextlib.suppress(ConnectionError):  # a dead worker is told of by `_read`, with its last words
                await self._process.stdin.drain()
            found = await answer
        finally:
            self.load -= weight
            self._waiting.pop(ticket, None)
        if "refused" in found:
            raise ModelError(f"{self._id}: {found['refused']}")
        if "overflow" in found:
            raise ContextOverflow(
                f"{self._id}: {found['overflow']} tokens of prompt and {found['max_tokens']} for the answer exceed "
                f"the context of {found['context']}; lower --max-tokens, or use a model with a longer context"
            )
        usage = Usage(found["prompt_tokens"], found["completion_tokens"])
        return Completion(found["text"], usage, found["finish_reason"], time.monotonic() - begun)

    async def close(self) -> None:
        self._fail(ModelError(f"{self._id}: closed while calls were under way", fatal=True))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined]  # or its pipes complain when the loop is gone

    async def _read(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            found = json.loads(line)
            if found.get("ready"):
                self._loaded.set()
            if (answer := self._waiting.get(found.get("ticket"))) and not answer.done():
                answer.set_result(found)
        await asyncio.sleep(0.1)  # let its last words arrive
        code = await self._process.wait()
        why = next((line for line in reversed(self._last_words) if line.strip()), "it said nothing")
        memory = "; it was killed, probably for memory: use --workers 1" if code == -9 else ""
        self._fail(ModelError(f"{self._id}: a worker ended with status {code} ({why.strip()}){memory}", fatal=True))

    def _fail(self, error: ModelError) -> None:
        """From now on every call ends with `error`."""
        self._dead = error
        self._loaded.set()  # nobody need wait any longer
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)

    async def _listen(self) -> None:
        assert self._process.stderr
        while line := await self._process.stderr.readline():
            self._last_words.append(line.decode("utf-8", "replace"))


def _has_gpu() -> bool:
    """Without importing torch, which takes seconds: the driver's device file."""
    return Path("/dev/nvidia0").exists()
