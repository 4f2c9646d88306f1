"""First attempts at HumanEval, as banchu's actor asks a model that continues raw text."""

from __future__ import annotations

import asyncio

from banchu.agents import Actor
from banchu.benchmarks import load_benchmark
from banchu.core.chat import Completion, Request, Sampling, Usage


class _Collecting:
    """A fake model that keeps what it is asked."""

    id = "scripted:collecting"
    prompt_style = "completion"

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        return Completion("    pass\n", Usage(), "stop")

    async def aclose(self) -> None: ...


def first_attempts(tasks: int | None, max_tokens: int) -> list[Request]:
    """The greedy requests of the first `tasks` tasks, in order."""
    model = _Collecting()
    actor = Actor(model, Sampling(temperature=0.0, max_tokens=max_tokens))

    async def ask() -> None:
        for pair in load_benchmark("humaneval").tasks[:tasks]:
            await actor.attempt(pair.task, round=0, seed=0)

    asyncio.run(ask())
    return model.asked
