"""Trying again, over real sockets: what may pass, how long it is waited, and what a drained client leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest
from tests.models.hostile import CHAT, GOOD, ask, hostile, refusal, reply

from banchu.core.chat import Completion
from banchu.core.errors import ModelError
from banchu.models.openai_api import OpenAIModel
from banchu.models.protocol import NotSent


@pytest.mark.parametrize("status", [408, 409, 502, 504, 529])
async def test_these_may_pass_too(status: int) -> None:
    async with hostile(refusal(status, "later", "Retry-After: 0"), reply(200, GOOD)) as server:
        assert (await ask(server.url)).text == "fine"
    assert len(server.asked) == 2


@pytest.mark.slow
async def test_what_the_server_asks_to_wait_is_waited_and_no_less() -> None:
    waits = ["Retry-After: 1", "retry-after-ms: 300"]
    async with hostile(*(refusal(503, "later", wait) for wait in waits), reply(200, GOOD)) as server:
        begun = time.monotonic()
        await ask(server.url, max_retries=2)
    assert time.monotonic() - begun >= 1.3
    assert len(server.asked) == 3


@pytest.mark.slow
async def test_refusals_for_the_rate_are_no_failures() -> None:
    """Time bounds them, not attempts: the server will take the call."""
    async with hostile(*[refusal(429, "slow down", "Retry-After: 0")] * 3, reply(200, GOOD)) as server:
        assert (await ask(server.url, max_retries=1)).text == "fine"
    assert len(server.asked) == 4


async def test_a_wait_longer_than_the_patience_is_not_begun_and_ends_the_run() -> None:
    async with hostile(refusal(429, "10000 requests a day", "Retry-After: 3600")) as server:
        with pytest.raises(ModelError, match=r"10000 requests a day.*asks to wait 3600 s; raise --patience") as error:
            await ask(server.url, patience_s=60)
    assert (error.value.status, error.value.fatal, len(server.asked)) == (429, True, 1)
    assert type(error.value) is ModelError


@pytest.mark.slow
async def test_patience_ends_with_time() -> None:
    async with hostile(refusal(429, "slow down", "retry-after-ms: 100")) as server:
        with pytest.raises(ModelError, match=r"tried for 0\.5 s at most"):
            await ask(server.url, patience_s=0.5)
    assert 2 <= len(server.asked) <= 6


async def test_without_retries_nothing_is_asked_again() -> None:
    async with hostile(refusal(429, "slow down", "Retry-After: 0")) as server:
        with pytest.raises(ModelError, match="slow down") as error:
            await ask(server.url, max_retries=0)
    assert (len(server.asked), error.value.fatal) == (1, False)


async def test_a_server_that_drips_is_given_up_as_one_that_is_silent() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        gone.set()

    gone = asyncio.Event()
    listening = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    with pytest.raises(ModelError, match="no answer within"):
        await asyncio.wait_for(ask(url, timeout_s=0.4, max_retries=0), 20)
    await gone.wait()
    listening.close()
    await listening.wait_closed()


async def test_a_drained_model_ends_what_waits_and_keeps_what_is_in_flight() -> None:
    answer = asyncio.Event()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
        asked.append(asyncio.current_task())
        await answer.wait()
        writer.write(reply(200, GOOD))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    asked: list[Any] = []
    listening = await asyncio.start_server(late, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    model = OpenAIModel("m", base_url=url, max_connections=2)
    calls = [asyncio.create_task(model.complete(CHAT)) for _ in range(6)]
    while len(asked) < 2:
        await asyncio.sleep(0.01)
    model.drain()
    answer.set()
    found = await asyncio.gather(*calls, return_exceptions=True)
    await model.aclose()
    await asyncio.gather(*asked, return_exceptions=True)
    listening.close()
    await listening.wait_closed()
    assert [type(one) for one in found] == [Completion, Completion, *[NotSent] * 4]
    assert (len(asked), model.tally.sent, model.tally.answered) == (2, 2, 2)


async def test_a_call_that_is_cancelled_gives_its_place_back_and_counts_as_lost() -> None:
    async with hostile(reply(200, GOOD)) as server:
        model = OpenAIModel("m", base_url=server.url, max_connections=1)
        await model.complete(CHAT)
        call = asyncio.create_task(model.complete(CHAT))
        while model.tally.sent < 2:
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert (await asyncio.wait_for(model.complete(CHAT), 20)).text == "fine"
        await model.aclose()
    assert (model.tally.answered, model.tally.lost, model.tally.repeats) == (2, 1, 0)
