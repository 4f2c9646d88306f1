"""A process of ours that hosts a model and answers in JSON lines: started, asked, told of when it dies, and ended.

A line to it is a request with a ticket, a line from it the answer with the same one. Its first is `{"ready": true}`, or
`{"failed": why}` before it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Self

from banchu.core.chat import Completion, Request, TokenLogprob, Usage
from banchu.core.errors import ContextOverflow, ModelError
from banchu.core.tool_calls import find_calls

_LINE_LIMIT: Final = 64 * 2**20
_LAST_WORDS_S: Final = 0.2


class Hosted:
    """One such process, and the answers that are waited for. Subclasses say how it ends."""

    def __init__(self, id: str, process: asyncio.subprocess.Process) -> None:
        self._id = id
        self._process = process
        self._tickets = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._said: deque[str] = deque(maxlen=400)
        """The last lines of its standard error."""
        self._dead: ModelError | None = None
        self._loaded = asyncio.Event()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]

    @classmethod
    async def start(cls, id: str, *command: str, env: Mapping[str, str], new_session: bool = False) -> Self:
        """`python -m COMMAND...`, with `env` beside what is in ours."""
        # -P: Python would look for modules in the user's folder first, where a `random.py` may lie.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **env},
            limit=_LINE_LIMIT,
            start_new_session=new_session,
        )
        return cls(id, process)

    async def ready(self) -> None:
        """Until the weights are loaded. Raises ModelError when they never will be."""
        await self._loaded.wait()
        if self._dead:
            raise self._dead

    async def ask(self, request: Request) -> dict[str, Any]:
        """Its answer to one request.

        Raises:
            ModelError: the request was refused, or the process has died; then fatal.
            ContextOverflow: the prompt does not fit.
        """
        if self._dead:
            raise self._dead
        ticket, sampling = next(self._tickets), request.sampling
        prompt = request.prompt if isinstance(request.prompt, str) else [m.plain for m in request.prompt]
        line = json.dumps({"ticket": ticket, "prompt": prompt, "sampling": asdict(sampling), **request.extras})
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = answer
        try:
            assert self._process.stdin
            self._process.stdin.write(f"{line}\n".encode())
            with contextlib.suppress(ConnectionError):  # a dead process is told of by `_read`, with its last words
                await self._process.stdin.drain()
            found = await answer
        finally:
            self._waiting.pop(ticket, None)
        if "refused" in found:
            raise ModelError(f"{self._id}: {found['refused']}")
        if "overflow" in found:
            raise ContextOverflow(
                f"{self._id}: {found['overflow']} tokens of prompt and {sampling.max_tokens} for the answer exceed the "
                f"context of {found['context']}; lower --max-tokens, or use a model with a longer context"
            )
        return found

    async def close(self) -> None:
        """Idempotent. Calls under way end with an error."""
        self._fail(ModelError(f"{self._id}: closed while calls were under way", fatal=True))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._end()
        finally:
            self._kill()
            await self._process.wait()
            self._process._transport.close()  # type: ignore[attr-defined]  # or its pipes complain when the loop is gone

    async def _end(self) -> None:
        """What there is to do before it is killed."""

    def _kill(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _outlived(self) -> None:
        """It has ended by itself: whatever else ends with it."""

    def _why(self, code: int, failed: str) -> str:
        """What to say of an end that nobody asked for; `failed` is what it said of itself."""
        raise NotImplementedError

    async def _read(self) -> None:
        assert self._process.stdout
        failed = ""
        while line := await self._process.stdout.readline():
            found = json.loads(line)
            failed = found.get("failed", failed)
            if found.get("ready"):
                self._loaded.set()
            if (answer := self._waiting.get(found.get("ticket"))) and not answer.done():
                answer.set_result(found)
        await asyncio.sleep(_LAST_WORDS_S)
        self._outlived()
        code = await self._process.wait()
        self._fail(ModelError(f"{self._id}: {self._why(code, failed)}", fatal=True))

    def _fail(self, error: ModelError) -> None:
        """From now on every call ends with `error`."""
        self._dead = self._dead or error
        self._loaded.set()  # nobody need wait any longer
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)

    async def _listen(self) -> None:
        assert self._process.stderr
        while line := await self._process.stderr.readline():
            self._said.append(line.decode("utf-8", "replace"))


def completion_of(found: Mapping[str, Any], request: Request, wall_s: float) -> Completion:
    """The answer to a request out of what its process told.

    Args:
        found: text, tokens and reason; `marked`, where tools were on offer: the text with its special tokens, since
            some checkpoints mark a call with one.
    """
    text, calls = found["text"], []
    if request.tools:
        read = find_calls(found["marked"], request.tools, cut=found["finish_reason"] == "length")
        text, calls = read.text if read.calls else text, read.calls
    usage = Usage(found["prompt_tokens"], found["completion_tokens"])
    logprobs = tuple(_logprob(*each) for each in found.get("logprobs", ()))
    return Completion(text, usage, found["finish_reason"], wall_s, tuple(calls), logprobs)


def _logprob(token: str, logprob: float, top: list[tuple[str, float]]) -> TokenLogprob:
    return TokenLogprob(token, logprob, tuple((other, value) for other, value in top))
