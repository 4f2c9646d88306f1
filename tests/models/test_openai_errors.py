"""What an endpoint may do wrong, said over real sockets: retried where it helps, told in one line where it does not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from banchu.core.chat import Completion, Message, Request, Sampling
from banchu.core.errors import ConfigError, ContextOverflow, ModelError
from banchu.models.openai_api import OpenAIModel
from banchu.models.protocol import NotSent

KEY = "sk-very-secret-0123456789"
CHAT = Request((Message("user", "hello"),), Sampling(max_tokens=5))
GOOD = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def reply(status: int, body: Any, *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def refusal(status: int, message: str, *headers: str) -> bytes:
    return reply(status, {"error": {"message": message, "type": "t", "param": None, "code": None}}, *headers)


class Hostile:
    """Gives the replies in order, the last one for ever, and keeps what was asked."""

    def __init__(self, replies: list[bytes]) -> None:
        self._replies = replies
        self.asked: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.url = ""
        self.talks: set[asyncio.Task[Any]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if talk := asyncio.current_task():
            self.talks.add(talk)
        # A client may go without having asked, or without waiting for the end.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            self.heads.append(head)
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            self.asked.append(json.loads(await reader.readexactly(length)))
            writer.write(self._replies[min(len(self.asked), len(self._replies)) - 1])
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def hostile(*replies: bytes) -> AsyncIterator[Hostile]:
    server = Hostile(list(replies))
    listening = await asyncio.start_server(server.converse, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        await asyncio.gather(*server.talks)


async def ask(url: str, request: Request = CHAT, **options: Any) -> Completion:
    model = OpenAIModel("m", base_url=url, **{"max_retries": 1, **options})
    try:
        return await model.complete(request)
    finally:
        await model.aclose()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_is_fatal_and_never_printed(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    async with hostile(refusal(status, f"Incorrect API key provided: {KEY}")) as server:
        with pytest.raises(ModelError, match="MY_KEY") as error:
            await ask(server.url, api_key_env="MY_KEY")
    assert (error.value.fatal, error.value.retryable, error.value.status) == (True, False, status)
    assert server.url in str(error.value)
    assert KEY not in str(error.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 418, 500])
async def test_a_key_that_the_server_repeats_is_not_printed(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with hostile(refusal(status, f"no access with {KEY}")) as server:
        with pytest.raises(ModelError) as error:
            await ask(server.url, max_retries=0)
    assert KEY not in str(error.value)


async def test_an_unknown_model_or_path_is_fatal() -> None:
    async with hostile(refusal(404, "The model 'm' does not exist")) as server:
        with pytest.raises(ModelError, match=r"no model 'm'.*check --model and --base-url") as error:
            await ask(server.url)
    assert (error.value.fatal, error.value.status, len(server.asked)) == (True, 404, 1)


async def test_a_server_that_is_not_there_is_fatal_and_named() -> None:
    with socket.socket() as unused:  # bound and not listening: nobody else can take the port meanwhile
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(ModelError, match=f"cannot reach {url} .*start the server") as error:
            await ask(url)
    assert error.value.fatal
    assert "\n" not in str(error.value)


PASSING = {
    "429": refusal(429, "slow down", "Retry-After: 0"),
    "500": refusal(500, "oops", "Retry-After: 0"),
    "503": refusal(503, "loading", "Retry-After: 0"),
    "cut JSON": reply(200, b'{"id": "1", "choices": [{"ind'),
    "cut body": reply(200, GOOD)[:-20],
    "no choices": reply(200, {**GOOD, "choices": []}),
    "null choices": reply(200, {**GOOD, "choices": None}),
    "no message": reply(200, {**GOOD, "choices": [{"index": 0, "finish_reason": "stop"}]}),
    "null message": reply(200, {**GOOD, "choices": [{"index": 0, "finish_reason": "stop", "message": None}]}),
    "a list": reply(200, ["not", "an", "object"]),
    "not JSON": reply(200, b"<html>busy</html>"),
    "nothing": b"",
}


async def test_what_may_pass_is_tried_again() -> None:
    """Side by side, each with a server of its own, since all wait before they ask again."""

    async def retried(first: bytes) -> None:
        async with hostile(first, reply(200, GOOD)) as server:
            completion = await ask(server.url)
        assert (completion.text, completion.usage.total_tokens, completion.finish_reason) == ("fine", 4, "stop")
        assert len(server.asked) == 2
        assert server.asked[0] == server.asked[1]

    found = await asyncio.gather(*(retried(first) for first in PASSING.values()), return_exceptions=True)
    assert dict(zip(PASSING, found, strict=True)) == dict.fromkeys(PASSING)


async def test_retries_end_and_what_was_said_is_told() -> None:
    async with hostile(refusal(500, "the disk\nis full", "Retry-After: 0")) as server:
        with pytest.raises(ModelError, match=r"500: .*the disk") as error:
            await ask(server.url, max_retries=3)
    assert (len(server.asked), error.value.status, error.value.fatal) == (4, 500, False)
    assert "\n" not in str(error.value)
    assert type(error.value) is ModelError


async def test_a_malformed_request_is_sent_once() -> None:
    async with hostile(refusal(400, "temperature must be positive")) as server:
        with pytest.raises(ModelError, match="temperature must be positive") as error:
            await ask(server.url)
    assert (len(server.asked), error.value.status, error.value.fatal) == (1, 400, True)


async def test_a_prompt_that_does_not_fit_is_an_overflow_and_not_fatal() -> None:
    async with hostile(refusal(400, "This model's maximum context length is 10 tokens.")) as server:
        with pytest.raises(ContextOverflow, match=r"is 10 tokens.*lower --max-tokens") as error:
            await ask(server.url)
    assert (len(server.asked), error.value.fatal) == (1, False)


async def test_a_silent_server_is_given_up() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client goes
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    listening = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    with pytest.raises(ModelError, match="no answer within") as error:
        await ask(url, timeout_s=0.2, max_retries=0)
    assert not error.value.fatal
    await gone.wait()
    listening.close()
    await listening.wait_closed()


async def test_no_key_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"no key for https://api\.openai\.com/v1; export OPENAI_API_KEY="):
        OpenAIModel("gpt-4o-mini")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert KEY not in OpenAIModel("gpt-4o-mini").id


async def test_everything_of_a_request_is_sent() -> None:
    request = Request((Message("system", "s"), Message("user", "u")), Sampling(0.7, 0.9, 11, ("\n", "#"), 13))
    async with hostile(reply(200, GOOD)) as server:
        await ask(server.url, request)
    (asked,) = server.asked
    assert asked == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 11,
        "stop": ["\n", "#"],
        "seed": 13,
    }


async def test_no_stop_texts_are_not_sent_and_no_usage_is_zero() -> None:
    silent = {name: value for name, value in GOOD.items() if name != "usage"}
    async with hostile(reply(200, silent)) as server:
        completion = await ask(server.url)
    assert "stop" not in server.asked[0]
    assert completion.usage.total_tokens == 0


async def test_a_text_of_half_characters_is_refused_and_not_retried() -> None:
    async with hostile(reply(200, GOOD)) as server:
        with pytest.raises(ModelError, match="cannot be sent") as error:
            await ask(server.url, Request("a\ud800b"))
    assert not error.value.retryable
    assert server.asked == []


# Trying again


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
