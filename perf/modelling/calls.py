"""Single calls, as fast as they go: what of a limit is used, and what a call costs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from banchu.core.chat import Message, Request, Sampling
from banchu.models.openai_api import OpenAIModel

from .storms import Counts, Weather


@dataclass(frozen=True)
class Asked:
    """So many calls, all answered."""

    calls: int
    wall_s: float
    cpu_s: float
    """Of this process: everything but the server."""
    tally: dict[str, int]
    counts: Counts


async def ours(weather: Weather, calls: int, concurrency: int, **options: Any) -> Asked:
    """Through OpenAIModel."""
    model = OpenAIModel("m", base_url=weather.url, **options)
    await model.complete(_request(-1))  # imports, and the first connection
    before, slots = weather.counts(), asyncio.Semaphore(concurrency)

    async def one(number: int) -> None:
        async with slots:
            await model.complete(_request(number))

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(calls)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await model.aclose()
    return Asked(calls, wall, cpu, model.tally.to_json(), _since(before, weather.counts()))


async def sdk(weather: Weather, calls: int, concurrency: int, **options: Any) -> Asked:
    """Through the openai package alone, with its own retries and kept connections."""
    import openai

    options = {"max_retries": 50, **options}
    client = openai.AsyncOpenAI(base_url=weather.url, api_key="none", **options)
    slots = asyncio.Semaphore(concurrency)

    async def one(number: int) -> None:
        async with slots:
            messages: Any = [{"role": "user", "content": f"question {number}"}]
            await client.chat.completions.create(model="m", messages=messages, max_tokens=64, seed=number)

    await one(-1)
    before = weather.counts()
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(calls)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    await client.close()
    return Asked(calls, wall, cpu, {}, _since(before, weather.counts()))


async def bare(weather: Weather, calls: int, concurrency: int, *, keep: bool = True) -> Asked:
    """Through httpx2 alone, which the package is on; `keep`: with kept connections."""
    import httpx2

    headers = {} if keep else {"Connection": "close"}
    slots = asyncio.Semaphore(concurrency)
    async with httpx2.AsyncClient(headers=headers, timeout=60) as client:

        async def one(number: int) -> None:
            body = {"model": "m", "messages": [{"role": "user", "content": f"question {number}"}], "seed": number}
            async with slots:
                (await client.post(f"{weather.url}/chat/completions", json=body)).json()

        await one(-1)
        before = weather.counts()
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(one(number) for number in range(calls)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Asked(calls, wall, cpu, {}, _since(before, weather.counts()))


def _request(number: int) -> Request:
    return Request((Message("user", f"question {number}"),), Sampling(max_tokens=64, seed=number))


def _since(before: Counts, after: Counts) -> Counts:
    """Without the first call, which was made before the clock ran."""
    kinds = {kind: count - before.kinds.get(kind, 0) for kind, count in after.kinds.items()}
    let_in = after.let_in - before.let_in
    return Counts(
        kinds,
        let_in,
        after.asked - before.asked,
        after.delivered - before.delivered,
        after.delivered_twice,
        after.worked_twice,
        after.most_in_a_second,
        after.until_95_s - before.wall_s,
        after.wall_s - before.wall_s,
    )
