"""Messages that call tools and answer calls, on their way to a server and into a checkpoint's own chat template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import Message, Request, Sampling, Tool, ToolCall
from banchu.core.errors import ModelError
from banchu.models.api.body import body_of
from banchu.models.local.rendering import prompt_tokens
from banchu.models.registry import ModelOptions, open_model

ADD = Tool("add", "Adds.", '{"type": "object", "properties": {"a": {"type": "integer"}}}')
CALL = ToolCall("add", '{"a": 1}', "call00001")
ASKED = (Message("user", "1 + 2?"), Message("assistant", "", (CALL,)))
TURNS = (*ASKED, Message("tool", "3", call_id="call00001", tool="add"))
HERMES = (
    "{% if tools %}<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools>{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% for call in m.tool_calls %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}"
    "{% endfor %}<assistant>"
)
"""The shape of the templates of Hermes and Qwen, shorter."""


def test_a_server_gets_calls_and_their_answers_as_it_knows_them() -> None:
    sent = body_of(Request(TURNS, tools=(ADD,)), "m")["messages"]
    function = {"name": "add", "arguments": '{"a": 1}'}
    assert sent == [
        {"role": "user", "content": "1 + 2?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call00001", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "3", "tool_call_id": "call00001"},
    ]
    assert body_of(Request(TURNS[:1]), "m")["messages"] == [{"role": "user", "content": "1 + 2?"}]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"a":1}', '{"a":1}'),
        ("{'a': 1,}", '{"a": 1}'),
        ("", "{}"),
        ("add one", '{"unreadable": "add one"}'),
        ("[1]", '{"unreadable": "[1]"}'),
    ],
)
def test_arguments_go_back_as_an_object_whatever_was_written(written: str, sent: str) -> None:
    message = Message("assistant", "x", (ToolCall("add", written, "i"),))
    body = body_of(Request((message,)), "m")["messages"][0]
    assert body["content"] == "x"
    assert body["tool_calls"][0]["function"]["arguments"] == sent


class Tokenizer:
    """Renders as transformers does, and keeps the text."""

    def __init__(self, folder: Path, template: Any) -> None:
        from transformers import AutoTokenizer

        self.inner: Any = AutoTokenizer.from_pretrained(folder)
        self.inner.chat_template = self.chat_template = template
        self.apply_chat_template = self.inner.apply_chat_template
        self.text = ""

    def __call__(self, text: str, **more: Any) -> Any:
        self.text = text
        return self.inner(text, **more)


def test_a_template_gets_tools_calls_and_answers(tiny: Path) -> None:
    tokenizer = Tokenizer(tiny, HERMES)
    plain = [json.loads(json.dumps(message.plain)) for message in TURNS]
    prompt_tokens(tokenizer, plain, tools=[{"name": "add", "description": "Adds.", "parameters": ADD.parameters}])
    head, _, rest = tokenizer.text.partition("</tools>")
    assert json.loads(head.removeprefix("<tools>")) == {
        "type": "function",
        "function": {"name": "add", "description": "Adds.", "parameters": json.loads(ADD.parameters)},
    }
    assert rest == (
        '<user>1 + 2?<assistant><tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call><tool>3<assistant>'
    )


@pytest.mark.parametrize("template", ["{{ messages }}", {"default": "{{ messages }}"}])
def test_a_template_without_a_place_for_tools_is_not_given_any(tiny: Path, template: Any) -> None:
    tokenizer = Tokenizer(tiny, template)
    for prompt, tools in (([["user", "u"]], [vars_of(ADD)]), ([m.plain for m in TURNS], [])):
        with pytest.raises(ValueError, match="no place for tools"):
            prompt_tokens(tokenizer, prompt, tools=tools)
    prompt_tokens(Tokenizer(tiny, {"default": "x", "tool_use": HERMES}), [["user", "u"]], tools=[vars_of(ADD)])


@pytest.mark.parametrize(
    "template",
    [
        HERMES.replace("<tool_call>", "<my_own_call>"),
        HERMES.replace("call.function | tojson", "call.function.name"),
        HERMES.replace("{% for m in", "{{ raise_exception('no tools today') }}{% for m in"),
    ],
)
def test_a_template_whose_calls_would_be_lost_is_not_given_any(tiny: Path, template: str) -> None:
    with pytest.raises(ValueError, match="in a form that is not known here; let it write them as text"):
        prompt_tokens(Tokenizer(tiny, template), [["user", "u"]], tools=[vars_of(ADD)])


def vars_of(tool: Tool) -> dict[str, str]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


@pytest.mark.slow  # two processes that load torch
async def test_a_local_model_takes_tools_where_its_template_does(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with_tools"
    shutil.copytree(tiny, folder)
    (folder / "chat_template.jinja").write_text(HERMES)
    sampling = Sampling(0.0, max_tokens=8)
    for path, takes in ((folder, True), (tiny, False)):
        model = open_model(f"hf:{path}", ModelOptions(workers=1))
        try:
            for prompt in (TURNS[:1], TURNS):
                request = Request(prompt, sampling, tools=(Tool("a", "b"),))
                if takes:
                    done = await model.complete(request)
                    assert (done.finish_reason, done.tool_calls) == ("length", ())
                    assert done.usage.completion_tokens == 8
                else:
                    with pytest.raises(ModelError, match="no place for tools"):
                        await model.complete(request)
        finally:
            await model.aclose()
