"""How a model is offered tools, how its calls are read and answered, natively and as text; and whole conversations."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agents.tools.conversing import converse

from banchu.agents.tools import BoxLimits, ToolBox, tool
from banchu.agents.tools.builtin.calculator import calculator
from banchu.agents.tools.speech import Way, answer, instructions, offer, read
from banchu.agents.tools.talk import CHECK, MAX_TURNS, digest
from banchu.agents.tools.toolbox import ToolResult
from banchu.core.chat import Completion, Message, Request, Sampling, Tool, ToolCall, Usage
from banchu.core.errors import ModelError, ToolError
from banchu.core.tool_record import ToolCallRecord
from banchu.models.protocol import PromptStyle

CHAT = Request((Message("system", "Be short."), Message("user", "6 * 7?")), Sampling(seed=7), "critic", 2)
WAYS: list[Way] = ["native", "text"]


def said(text: str, *calls: ToolCall, cut: bool = False) -> Completion:
    return Completion(text, Usage(1, 1), "length" if cut else "stop", tool_calls=calls)


class Script:
    """Says what it is told, and keeps what it was asked."""

    id = "script"
    prompt_style: PromptStyle = "chat"

    def __init__(self, *answers: Completion) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        return self.answers.pop(0)

    async def aclose(self) -> None: ...


def block(name: str, **arguments: Any) -> str:
    return f"```tool\n{json.dumps({'name': name, 'arguments': arguments})}\n```"


def test_without_tools_nothing_changes() -> None:
    for way in WAYS:
        assert offer(CHAT, (), way) == CHAT
    with pytest.raises(ModelError, match="raw text takes no tools"):
        offer(Request("def f():"), (calculator.offer,), "text")


def test_natively_tools_are_beside_the_prompt_and_as_text_they_are_in_it() -> None:
    assert offer(CHAT, (calculator.offer,), "native") == replace(CHAT, tools=(calculator.offer,))
    asked = offer(CHAT, (calculator.offer,), "text")
    assert (asked.tools, asked.extras) == ((), {})
    first, second = (message for message in asked.prompt if isinstance(message, Message))
    assert first.content.startswith("Be short.\n\nYou may call tools")
    assert '```tool\n{"name": "calculator", "arguments": {"expression": "..."}}\n```' in first.content
    assert "- `calculator`: Work out" in first.content
    assert second == CHAT.prompt[1]


@given(
    st.lists(
        st.builds(
            Tool,
            st.from_regex(r"[a-z_]{1,9}", fullmatch=True),
            st.text(max_size=30),
            st.sampled_from(['{"type": "object"}', '{"type": "object", "properties": {"é{}": {"type": "string"}}}']),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_example_in_the_instructions_is_a_call(tools: list[Tool]) -> None:
    text = instructions(tools)
    found = read(said(text.partition("The result comes")[0]), tools, "text")
    assert [call.name for call in found.calls] == [tools[0].name]
    assert json.loads(found.calls[0].arguments).keys() == json.loads(tools[0].parameters).get("properties", {}).keys()


@pytest.mark.parametrize("way", WAYS)
async def test_a_conversation(way: Way) -> None:
    first = (
        said("Let me see.", ToolCall("calculator", '{"expression": "6*7"}', "x1"))
        if way == "native"
        else said("Let me see.\n" + block("calculator", expression="6*7"))
    )
    model = Script(first, said("It is 42."))
    records: list[ToolCallRecord] = []
    done = await converse(model, CHAT, ToolBox([calculator], sink=records.append), way)
    assert (done.completion.text, done.n_calls) == ("It is 42.", 1)
    assert [(record.result, record.role, record.round) for record in records] == [("42", "critic", 2)]
    last = model.asked[1]
    assert last.prompt == done.messages
    assert (last.sampling, last.role, last.tools) == (CHAT.sampling, "critic", model.asked[0].tools)
    assert done.messages[:2] == model.asked[0].prompt
    if way == "native":
        call = ToolCall("calculator", '{"expression": "6*7"}', "x1")
        assert done.messages[2:] == (
            Message("assistant", "Let me see.", (call,)),
            Message("tool", "42", call_id="x1", tool="calculator"),
        )
    else:
        assert done.messages[2] == Message("assistant", first.text)
        assert done.messages[3] == Message("user", "Result of `calculator`:\n\n```text\n42\n```")


async def test_calls_that_a_server_leaves_in_the_text_are_read_natively_too() -> None:
    text = 'Hm. <tool_call>{"name": "calculator", "arguments": {"expression": "1"}}</tool_call>' + block(
        "calculator", a=1
    )
    model = Script(said(text), said("1"))
    done = await converse(model, CHAT, ToolBox([calculator]), "native")
    calls = done.messages[2].tool_calls
    assert [(call.id, call.name) for call in calls] == [("call00000", "calculator"), ("call00001", "calculator")]
    assert done.messages[2].content == "Hm."
    assert [message.call_id for message in done.messages[3:]] == ["call00000", "call00001"]
    assert done.messages[4].content.startswith("Not run: wrong arguments for calculator")


async def test_calls_of_one_id_are_told_apart() -> None:
    call = ToolCall("calculator", '{"expression": "1"}', "same")
    done = await converse(Script(said("", call, call), said("1")), CHAT, ToolBox([calculator]), "native")
    assert [message.call_id for message in done.messages[3:]] == ["call00000", "call00001"]


def test_the_wording_has_a_digest_of_its_own() -> None:
    assert len({digest(way) for way in WAYS}) == 2
    assert digest("text") == digest("text")


@pytest.mark.parametrize("way", WAYS)
async def test_a_malformed_call_is_told_and_the_next_one_runs(way: Way) -> None:
    model = Script(said('```tool\n{"name": "calculator", "arg'), said(block("calculator", expression="2")), said("2"))
    done = await converse(model, CHAT, ToolBox([calculator]), way)
    assert done.completion.text == "2"
    told = done.messages[3]
    assert "Not run: the call cannot be read (a string does not end" in told.content
    assert told.tool == ("unreadable" if way == "native" else "")


async def test_a_call_that_was_cut_off_is_not_run() -> None:
    cut = said('```tool\n{"name": "calculator", "arguments": {"expression": "1"}', cut=True)
    done = await converse(Script(cut, said("ok")), CHAT, ToolBox([calculator]), "text")
    assert "cannot be read" in done.messages[3].content


@pytest.mark.parametrize("way", WAYS)
async def test_a_model_that_calls_for_ever_is_asked_so_often(way: Way) -> None:
    model = Script(*(said(block("calculator", expression=f"{n}")) for n in range(MAX_TURNS + 1)))
    box = ToolBox([calculator], limits=BoxLimits(max_calls=MAX_TURNS - 2))
    done = await converse(model, CHAT, box, way)
    assert len(model.asked) == MAX_TURNS
    assert done.completion.text == block("calculator", expression=f"{MAX_TURNS - 1}")
    assert done.n_calls == MAX_TURNS - 1
    results = [message.content for message in done.messages if message.role == "tool" or "Result of" in message.content]
    assert ["no calls of tools are left" in result for result in results] == [False] * (MAX_TURNS - 2) + [True]
    assert ["No more calls after this" in result for result in results] == [False] * (MAX_TURNS - 2) + [True]
    ids = [call.id for message in done.messages for call in message.tool_calls]
    assert len(set(ids)) == len(ids) == (MAX_TURNS - 1 if way == "native" else 0)


async def test_without_tools_or_calls_what_is_said_is_the_answer() -> None:
    model = Script(said("42"), said(block("calculator", expression="1")))
    done = await converse(model, replace(CHAT, role="actor"), ToolBox(), "native")
    assert (model.asked, done.completion.text, done.n_calls) == ([replace(CHAT, role="actor")], "42", 0)
    assert (await converse(model, CHAT, ToolBox(), "text")).n_calls == 0


async def test_a_critic_is_told_to_check_and_an_actor_is_not() -> None:
    model = Script(said("fine"), said("fine"))
    critic = await converse(model, CHAT, ToolBox([calculator]), "native")
    actor = await converse(model, replace(CHAT, role="actor"), ToolBox([calculator]), "native")
    assert [message.content for message in critic.messages] == ["Be short.", f"6 * 7?{CHECK}"]
    assert actor.messages == CHAT.prompt


async def test_what_runs_a_tool_ends_the_conversation() -> None:
    @tool
    def broken() -> str:
        """Broken."""
        raise ToolError("the server has died")

    with pytest.raises(ToolError, match="has died"):
        await converse(Script(said(block("broken"))), CHAT, ToolBox([broken]), "text")


@given(st.text(alphabet="`~\n<|>ab{}tool[]/INST", max_size=60))
def test_a_result_cannot_end_its_quotation_or_make_a_call(text: str) -> None:
    done = said(block("calculator", expression="1"))
    taken = read(done, (calculator.offer,), "text")
    told = answer(done, taken, [ToolResult(text, "answered")], "text")[1].content
    head, _, rest = told.partition("\n\n")
    fence = rest.split("text\n")[0]
    assert head == "Result of `calculator`:"
    assert set(fence) == {"`"}
    assert rest.endswith(f"\n{fence}")
    assert rest.count(fence) == 2
    assert not re.search(r"<\|[^<>|\s]{1,40}\|>", told)  # `<|>` alone is no mark
