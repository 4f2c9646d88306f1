"""A conversation with tools over HTTP: what a server is sent, natively and as text, byte for byte."""

from __future__ import annotations

from typing import Any

from tests.agents.tools.conversing import converse
from tests.models.hostile import GOOD, hostile, reply

from banchu.agents.tools import ToolBox
from banchu.agents.tools.builtin.calculator import calculator
from banchu.core.chat import Message, Request, Sampling
from banchu.models.openai_api import OpenAIModel

CHAT = Request((Message("system", "Be short."), Message("user", "6 * 7?")), Sampling(max_tokens=99, seed=7))


def says(message: dict[str, Any]) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    return reply(200, {**GOOD, "choices": [choice]})


async def test_native_calls_over_http() -> None:
    call = {"id": "x1", "type": "function", "function": {"name": "calculator", "arguments": '{"expression":"6*7"}'}}
    async with hostile(says({"content": None, "tool_calls": [call]}), says({"content": "42"})) as server:
        model = OpenAIModel("m", base_url=server.url)
        done = await converse(model, CHAT, ToolBox([calculator]), "native")
        await model.aclose()
    assert done.completion.text == "42"
    first, second = server.asked
    assert [tool["function"]["name"] for tool in first["tools"]] == ["calculator"]
    assert second["tools"] == first["tools"]
    assert second["messages"] == [
        *first["messages"],
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "42", "tool_call_id": "x1"},
    ]


async def test_calls_as_text_over_http() -> None:
    written = '```tool\n{"name": "calculator", "arguments": {"expression": "6*7"}}\n```'
    async with hostile(says({"content": written}), says({"content": "42"})) as server:
        model = OpenAIModel("m", base_url=server.url)
        done = await converse(model, CHAT, ToolBox([calculator]), "text")
        await model.aclose()
    assert done.completion.text == "42"
    first, second = server.asked
    assert "tools" not in first
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]
    assert second["messages"][2:] == [
        {"role": "assistant", "content": written},
        {"role": "user", "content": "Result of `calculator`:\n\n```text\n42\n```"},
    ]
