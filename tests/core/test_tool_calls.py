"""Calls in text, as models write them: found, told as unreadable, or left alone; and no text runs anything or takes
long."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.chat import Tool, ToolCall
from banchu.core.tool_calls import find_calls

SCHEMA = '{"type": "object", "properties": {"code": {"type": "string"}, "n": {"type": "integer"}}}'
TOOLS = (Tool("run", "Runs code.", SCHEMA), Tool("look", "Looks."))


def calls(text: str, cut: bool = False) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in find_calls(text, TOOLS, cut=cut).calls]


ONE = [("run", {"n": 1})]
CODE = 'def f():\n    """Doc with ``` in it."""\n    return {"a": [1]}\n'


@pytest.mark.parametrize(
    "text",
    [
        '```tool\n{"name": "run", "arguments": {"n": 1}}\n```',
        'I will.\n```json\n{"name": "run", "arguments": {"n": 1}}\n```\nDone.',
        '```\n{"name": "run", "arguments": {"n": 1}}\n```',
        '```tool\n{"name": "run", "arguments": {"n": 1}}',
        '```tool\n{"name": "run", "arguments": {"n": 1}',
        '~~~tool_call\n{"name": "run", "arguments": {"n": 1}}\n~~~',
        '```Tool {"name": "run", "arguments": {"n": 1}} ```',
        "```tool\n{'name': 'run', 'arguments': {'n': 1,},}\n```",
        '```tool\n{name: "run", parameters: {n: 1}}\n```',
        '```tool\n{"tool": "run", "args": {"n": 1}}\n```',
        '```tool\n{"name": "run", "arguments": "{\\"n\\": 1}"}\n```',
        '```tool\n{"name": "run", "n": 1}\n```',
        '```tool\n{"run": {"n": 1}}\n```',
        '```tool\n[{"name": "run", "arguments": {"n": 1}}]\n```',
        '```json\n{"type": "function", "function": {"name": "run", "arguments": {"n": 1}}}\n```',
        '{"name": "run", "arguments": {"n": 1}}',
        'Text first.\n  {"name": "run", "arguments": {"n": 1}} and after.',
        '<tool_call>\n{"name": "run", "arguments": {"n": 1}}\n</tool_call>',
        '<tool_call>\n{"name": "run", "arguments": {"n": 1}}',
        '[TOOL_CALLS][{"name": "run", "arguments": {"n": 1}}]</s>',
        '[TOOL_CALLS]run[ARGS]{"n": 1}',
        '<|python_tag|>{"name": "run", "parameters": {"n": 1}}<|eom_id|>',
        '<|tool_call|>[{"name": "run", "arguments": {"n": 1}}]',
        'functools[{"name": "run", "arguments": {"n": 1}}]',
        "<tool_call>\n<function=run>\n<parameter=n>\n1\n</parameter>\n</function>\n</tool_call>",
        "<function=run><parameter=n>1</function>",
        "<|tool_call>call:run{n:1}<tool_call|><turn|>",
        "<|tool_call_start|>[run(n=1)]<|tool_call_end|><|im_end|>",
        ' to=functions.run<|channel|>commentary json<|message|>{"n": 1}<|call|>',
        "<tool_call>run\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
        '<think>```tool\n{"name": "look"}\n```</think>```tool\n{"name": "run", "arguments": {"n": 1}}\n```',
        '```python\nprint({"name": "look"})\n```\n```tool\n{"name": "run", "arguments": {"n": 1}}\n```',
    ],
)
def test_a_call_is_found_however_it_is_written(text: str) -> None:
    assert calls(text) == ONE


def test_several_calls_in_order_and_the_prose_around_them() -> None:
    text = (
        'First.\n```tool\n{"name": "run", "arguments": {"n": 1}}\n{"name": "look"}\n```\nThen\n'
        '<tool_call>{"name": "nobody", "arguments": {}, "id": "x1"}</tool_call> last.'
    )
    found = find_calls(text, TOOLS)
    assert [(call.name, call.arguments, call.id) for call in found.calls] == [
        ("run", '{"n": 1}', ""),
        ("look", "{}", ""),
        ("nobody", "{}", "x1"),
    ]
    assert found.text == "First.\nThen\nlast."


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{CODE}```",
        '```python\nx = """\n```tool\n{"name": "run", "arguments": {}}\n```\n"""\n',
        '```json\n{"name": "Anna", "arguments": {"n": 1}}\n```',
        '```json\n{"name": "run"}\n```',
        '{"a": 1}',
        "The tool `run` takes {n}. ``` is a fence. <tool_call> is none.",
        '<think>I could write ```tool\n{"name": "run", "arguments": {}}\n```',
        "",
    ],
)
def test_an_answer_is_left_alone(text: str) -> None:
    found = find_calls(text, TOOLS)
    if "<tool_call>" in text:
        assert [call.name for call in found.calls] == [""]  # a mark is always meant
    else:
        assert (found.calls, found.text) == ([], text)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        (
            '```tool\n{"name": "run", "arguments": {"code": "never}\n```\nrest',
            '{"name": "run", "arguments": {"code": "never}',
        ),
        ("```tool\nrun 2 + 2\n```", "run 2 + 2"),
        ("<tool_call>run(n=1)</tool_call>", "run(n=1)"),
        ("<|tool_call_start|>[run(n=open('x').read())]<|tool_call_end|>", "[run(n=open('x').read())]"),
        ("<|tool_call_start|>[run(1)]<|tool_call_end|>", "[run(1)]"),
        ("<|tool_call_start|>[__import__('os').system('x')]", "[__import__('os').system('x')]"),
        ("<|tool_call_start|>[run(n={1, 2})]", "[run(n={1, 2})]"),
        ('<|tool_call>call:run{n:<|"|>never}', '{n:<|"|>never}'),
        ('```tool\n{"n": 1}\n```', '{"n": 1}'),
    ],
)
def test_a_call_that_cannot_be_read_is_told_as_such(text: str, raw: str) -> None:
    assert find_calls(text, TOOLS).calls == [ToolCall("", raw)]


@pytest.mark.parametrize("end", ["", "\n```"])
def test_a_call_that_the_token_limit_cut_is_none(end: str) -> None:
    text = '```tool\n{"name": "run", "arguments": {"code": "x = 1"}'
    assert calls(text) == [("run", {"code": "x = 1"})]
    assert [call.name for call in find_calls(text, TOOLS, cut=True).calls] == [""]
    assert find_calls("<function=run><parameter=n>1", TOOLS, cut=True).calls == []
    assert calls(text + "}", cut=True) == [("run", {"code": "x = 1"})]


@given(
    st.text() | st.just(CODE), st.integers(0, 3), st.sampled_from(["tool", "json", ""]), st.text("ab. \n", max_size=9)
)
def test_what_was_written_as_told_is_read_as_meant(code: str, n: int, tag: str, prose: str) -> None:
    value = {"name": "run", "arguments": {"code": code, "n": n}}
    text = f"{prose}\n```{tag}\n{json.dumps(value, ensure_ascii=False, indent=n or None)}\n```\n{prose}"
    found = find_calls(text, TOOLS)
    assert [(call.name, json.loads(call.arguments)) for call in found.calls] == [("run", value["arguments"])]
    assert found.text.split() == (prose + "\n" + prose).split()


@given(st.text(), st.integers(-3, 3))
def test_arguments_come_through_every_form(code: str, n: int) -> None:
    value = {"code": code, "n": n}
    forms = {
        f"<|tool_call_start|>[run(code={code!r}, n={n})]<|tool_call_end|>": value,
        f"to=functions.run<|message|>{json.dumps(value)}<|call|>": value,
        f"[TOOL_CALLS]run[ARGS]{json.dumps(value, ensure_ascii=False)}": value,
    }
    if "<" not in code:  # nothing is escaped in tags
        told = f"<arg_key>code</arg_key><arg_value>{code}</arg_value><arg_key>n</arg_key><arg_value>{n}</arg_value>"
        forms[f"<tool_call>run\n{told}</tool_call>"] = value
        forms[f'<|tool_call>call:run{{code:<|"|>{code}<|"|>,n:{n}}}<tool_call|>'] = value
        if code.strip("\n") == code:
            forms[f"<function=run><parameter=code>{code}</parameter><parameter=n>{n}</parameter></function>"] = value
    for text, expected in forms.items():
        assert calls(text) == [("run", expected)], text


PIECE = '```|```tool\n|~~~json\n|\n|{|}|[|"name"|:|"run"|,|"arguments"|<tool_call>|</tool_call>|<function=|run>'
MARKS = "<parameter=n>|[TOOL_CALLS]|<think>|</think>|\\|'|#|)|="
FORMS = ["<|tool_call>call:run", "<tool_call|>", '<|"|>', "<|tool_call_start|>", "[run(n=", "to=functions.a<|message|>"]
PIECES = st.lists(st.sampled_from([*PIECE.split("|"), *MARKS.split("|"), *FORMS]), max_size=40).map("".join)


@given(PIECES | st.text(), st.booleans())
def test_no_text_raises_and_what_is_found_was_there(text: str, cut: bool) -> None:
    found = find_calls(text, TOOLS, cut=cut)
    for call in found.calls:
        assert call.name in text
        assert call.name == "" or isinstance(json.loads(call.arguments), dict) or '"' in call.arguments
    if not found.calls:
        assert found.text == text


@pytest.mark.parametrize(
    "piece",
    [
        "```tool\n",
        "{",
        '{"a":1,\n',
        "<tool_call>",
        "<function=a>",
        "<parameter=a>",
        "\n{",
        "[",
        "`",
        " ",
        "\n",
        "<think>",
        "(" * 9,
        "to=functions.a",
        '<|"|>',
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    find_calls(text, TOOLS)
    find_calls("```tool\n" + text, TOOLS)
    find_calls("<function=run><parameter=n>" + text, TOOLS)
    find_calls("<|tool_call_start|>" + text, TOOLS)
    find_calls("<|tool_call>call:run{" + text, TOOLS)
    assert time.process_time() - begun < 5
