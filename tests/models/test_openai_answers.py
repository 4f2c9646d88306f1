"""What is sent for a request, what is read from an answer, and what a model that refuses a field is sent instead."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from tests.models.hostile import CHAT, GOOD, ask, hostile, refusal, reply

from banchu.core.chat import Message, Request, Sampling, TokenLogprob, Tool, ToolCall
from banchu.core.errors import ConfigError, ModelError
from banchu.models.api.answers import read_answer
from banchu.models.api.body import body_of, idempotency_key
from banchu.models.api.headers import allowance, retry_after
from banchu.models.openai_api import OpenAIModel
from banchu.models.registry import ModelOptions, open_model

TOOL = Tool("run", "Runs code", '{"type": "object", "properties": {"code": {"type": "string"}}}')


def answer(message: Any, reason: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": reason, "message": message, **more}], **more.pop("top", {})}


# Waiting and limits, as headers say them


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
        ({"date": "Sat, 21 Nov 2026 10:00:00 GMT", "retry-after": "Sat, 21 Nov 2026 10:01:30 GMT"}, 90.0),
        ({"date": "Sat, 21 Nov 2026 10:00:00 GMT", "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_without_the_servers_own_is_taken_against_ours() -> None:
    assert 8 <= (retry_after({"retry-after": formatdate(time.time() + 10, usegmt=True)}) or 0) <= 10


@pytest.mark.parametrize(
    ("reset", "seconds"), [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("2", 2.0)]
)
def test_what_is_left_of_a_limit(reset: str, seconds: float) -> None:
    said = {"x-ratelimit-limit-tokens": "60", "x-ratelimit-remaining-tokens": "40", "x-ratelimit-reset-tokens": reset}
    found = allowance(said, "tokens")
    assert found
    assert (found.limit, found.remaining, found.reset_s) == (60, 40, seconds)
    assert found.per_s == pytest.approx(20 / seconds)
    assert allowance(said, "requests") is None


@pytest.mark.parametrize(
    "broken", ["limit-requests: 0", "remaining-requests: 61", "reset-requests: soon", "reset-requests:"]
)
def test_limits_that_cannot_be_read_are_none(broken: str) -> None:
    said = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "6",
        "x-ratelimit-reset-requests": "1s",
    }
    assert allowance(said, "requests")
    name, _, value = broken.partition(":")
    assert allowance({**said, f"x-ratelimit-{name}": value.strip()}, "requests") is None


# Answers


def test_reasoning_is_counted_and_is_no_part_of_the_text() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 40}}
    message = {"role": "assistant", "content": "42", "reasoning_content": "Let me think", "reasoning": "..."}
    found = read_answer({**answer(message), "usage": usage}, CHAT, 1.0)
    assert (found.text, found.usage.completion_tokens, found.usage.reasoning_tokens) == ("42", 50, 40)
    assert found.usage.total_tokens == 59


def test_an_answer_of_nothing_but_reasoning_was_cut() -> None:
    found = read_answer(answer({"content": None, "reasoning_content": "Let me"}, "length"), CHAT, 1.0)
    assert (found.text, found.finish_reason) == ("", "length")


@pytest.mark.parametrize(
    "details", [None, [], {"reasoning_tokens": None}, {"reasoning_tokens": -1}, {"reasoning_tokens": True}]
)
def test_details_that_are_none_count_nothing(details: Any) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 5, "completion_tokens_details": details}
    assert read_answer({**answer({"content": "x"}), "usage": usage}, CHAT, 0.0).usage.reasoning_tokens == 0


def test_a_refusal_is_an_answer() -> None:
    assert read_answer(answer({"content": None, "refusal": "I cannot."}), CHAT, 0.0).text == "I cannot."


def test_tool_calls_are_read_where_tools_were_offered() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": '{"code": "1"}'}}
    said = answer({"content": None, "tool_calls": [call, {"function": None}, "x"]}, "tool_calls")
    found = read_answer(said, Request(CHAT.prompt, tools=(TOOL,)), 0.0)
    assert found.tool_calls == (ToolCall("run", '{"code": "1"}', "c1"),)
    assert (found.text, found.finish_reason) == ("", "stop")


def test_logprobs_of_chats_and_of_raw_text_read_alike() -> None:
    chat = answer(
        {"content": "a"},
        logprobs={"content": [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]},
    )
    columns = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"b": -1}]}
    raw = {"choices": [{"text": "a", "finish_reason": "stop", "logprobs": columns}]}
    expected = (TokenLogprob("a", -0.5, (("b", -1.0),)),)
    assert read_answer(chat, Request(CHAT.prompt, logprobs=1), 0.0).logprobs == expected
    assert read_answer(raw, Request("x", logprobs=1), 0.0).logprobs == expected
    assert read_answer(raw, Request("x"), 0.0).logprobs == ()


# Requests


async def test_extras_are_sent_as_the_protocol_says() -> None:
    schema = '{"type": "object"}'
    request = Request(CHAT.prompt, CHAT.sampling, tools=(TOOL,), answer_schema=schema, prefill="def f", logprobs=2)
    async with hostile(reply(200, GOOD)) as server:
        await ask(server.url, request)
    (asked,) = server.asked
    function = {"name": "run", "description": "Runs code", "parameters": json.loads(TOOL.parameters)}
    assert asked["tools"] == [{"type": "function", "function": function}]
    assert asked["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert asked["messages"][-1] == {"role": "assistant", "content": "def f"}
    assert (asked["continue_final_message"], asked["add_generation_prompt"]) == (True, False)
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 2)


@pytest.mark.parametrize(
    "request_", [Request("x", tools=(TOOL,)), Request("x", prefill="y"), Request(CHAT.prompt, answer_schema="{")]
)
async def test_extras_that_cannot_be_sent_are_refused_before_anything_is(request_: Request) -> None:
    async with hostile(reply(200, GOOD)) as server:
        with pytest.raises(ModelError, match=r"raw text takes no|is not JSON"):
            await ask(server.url, request_)
    assert server.asked == []


def test_the_idempotency_key_is_that_of_what_is_sent() -> None:
    body = body_of(CHAT, "m")
    key = idempotency_key("http://a/v1", body)
    assert key == idempotency_key("http://a/v1", dict(reversed(body.items())))
    others = [
        idempotency_key("http://b/v1", body),
        idempotency_key("http://a/v1", body_of(CHAT, "n")),
        idempotency_key("http://a/v1", body_of(Request(CHAT.prompt, Sampling(seed=1)), "m")),
    ]
    assert len({key, *others}) == 4


async def test_the_key_goes_along_and_stays_when_a_call_is_tried_again() -> None:
    lost = reply(200, b'{"id": "1", "choi')
    async with hostile(lost, reply(200, GOOD)) as server:
        model = OpenAIModel("m", base_url=server.url)
        await model.complete(CHAT)
        await model.complete(Request((Message("user", "another"),)))
        await model.aclose()
    keys = [head.partition("idempotency-key: ")[2].partition("\r\n")[0] for head in server.heads]
    assert len(keys[0]) == 64
    assert keys[0] == keys[1] != keys[2]
    assert (model.tally.sent, model.tally.answered, model.tally.lost, model.tally.repeats) == (3, 2, 1, 1)
    assert "1 of 3 requests went out again" in model.notes[0]


# Dialects

NO_MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
NO_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported."
)
NO_SEED = '[{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]'


def unsupported(message: str, param: str | None, status: int = 400) -> bytes:
    return reply(status, {"error": {"message": message, "type": "t", "param": param, "code": "unsupported_parameter"}})


async def test_what_a_reasoning_model_refuses_is_learned_once() -> None:
    replies = [unsupported(NO_MAX_TOKENS, "max_tokens"), unsupported(NO_TEMPERATURE, None), reply(200, GOOD)]
    async with hostile(*replies) as server:
        model = OpenAIModel("m", base_url=server.url, max_retries=0)
        await model.complete(CHAT)
        await model.complete(CHAT)
        await model.aclose()
    assert len(server.asked) == 4
    for body in server.asked[2:]:
        assert body.keys() == {"model", "messages", "top_p", "max_completion_tokens", "seed"}
        assert body["max_completion_tokens"] == 5
    assert model.notes == ["temperature is not sent: the model refuses it"]


async def test_a_field_that_a_strict_server_does_not_know_is_left_out() -> None:
    async with hostile(unsupported(NO_SEED, None, 422), reply(200, GOOD)) as server:
        assert (await ask(server.url, max_retries=0)).text == "fine"
    assert "seed" not in server.asked[1]


async def test_stop_texts_that_are_not_taken_cut_the_answer_here() -> None:
    spoken = reply(200, {**GOOD, **answer({"role": "assistant", "content": "one\ntwo"}, "length")})
    async with hostile(unsupported("Unsupported parameter: 'stop'", "stop"), spoken) as server:
        found = await ask(server.url, Request(CHAT.prompt, Sampling(stop=("x", "\n"))))
    assert "stop" not in server.asked[1]
    assert (found.text, found.finish_reason) == ("one", "stop")


@pytest.mark.parametrize(
    "message", ["temperature must be between 0 and 2", "'messages' is not supported", "unknown field 'tools'"]
)
async def test_other_complaints_teach_nothing(message: str) -> None:
    async with hostile(refusal(400, message)) as server:
        with pytest.raises(ModelError):
            await ask(server.url)
    assert len(server.asked) == 1


async def test_a_server_that_refuses_whatever_it_gets_is_left() -> None:
    complaints = [unsupported("unsupported", name) for name in ("temperature", "top_p", "seed", "max_tokens")]
    async with hostile(*complaints, unsupported("unsupported", "max_completion_tokens")) as server:
        with pytest.raises(ModelError, match="unsupported"):
            await ask(server.url)
    assert len(server.asked) == 5  # an answer is never asked for without a limit
    assert server.asked[-1].keys() == {"model", "messages", "max_completion_tokens"}


async def test_what_the_user_says_is_left_out_from_the_start() -> None:
    async with hostile(reply(200, GOOD)) as server:
        await ask(server.url, omit=("temperature", "max_tokens"))
    assert server.asked[0].keys() == {"model", "messages", "top_p", "max_completion_tokens", "seed"}
    with pytest.raises(ConfigError, match=r"'temprature'.*Did you mean 'temperature'"):
        OpenAIModel("m", base_url="http://127.0.0.1:9/v1", omit=("temprature",))


@pytest.mark.parametrize("limit", ["max_connections", "max_rpm", "max_tpm"])
def test_a_limit_of_nothing_is_refused(limit: str) -> None:
    with pytest.raises(ConfigError, match=f"--{limit.replace('_', '-')} 0 is too small"):
        OpenAIModel("m", base_url="http://127.0.0.1:9/v1", **{limit: 0})  # type: ignore[arg-type]


async def test_what_the_registry_is_told_reaches_the_model() -> None:
    async with hostile(reply(200, GOOD)) as server:
        model = open_model(
            "openai:m", ModelOptions(base_url=server.url, omit="temperature, top_p", max_rpm=9, max_tpm=99)
        )
        await model.complete(CHAT)
        await model.aclose()
    assert server.asked[0].keys() == {"model", "messages", "max_tokens", "seed"}
    with pytest.raises(ConfigError, match="--max-rpm 0"):
        open_model("openai:m", ModelOptions(base_url=server.url, max_rpm=0))
