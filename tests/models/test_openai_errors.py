"""What an endpoint may do wrong, said over real sockets: retried where it helps, told in one line where it does not."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.models.hostile import GOOD, KEY, ask, hostile, refusal, reply

from banchu.core.chat import Message, Request, Sampling
from banchu.core.errors import ConfigError, ContextOverflow, ModelError
from banchu.models.openai_api import OpenAIModel


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
