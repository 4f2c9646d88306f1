"""Requests and their keys: equal requests are bought once, also those of runs from before there were extras."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from banchu.core.chat import Message, Request, Sampling, Tool, ToolCall

RAW = Request("x")
CHAT = Request((Message("system", "s"), Message("user", "ü")), Sampling(0.1, 0.9, 3, ("\n",), 4), "critic", 2)
EXTRAS: list[dict[str, Any]] = [
    {"tools": (Tool("run", "Runs code"),)},
    {"tools": (Tool("run", "Runs it"),)},
    {"answer_schema": '{"type": "object"}'},
    {"prefill": "```python\n"},
    {"logprobs": 0},
    {"logprobs": 5},
]


def test_keys_are_what_they_were_before_there_were_extras() -> None:
    """Written by the first version of Request.key; a run of that time goes on only while these hold."""
    assert RAW.key("m") == "0897e15ed2f6aeba329728f2d0c0df77bfede9409bcfb22f229aa53f87485a80"
    assert CHAT.key("m") == "45825941b56f97ba6d5c96cf898ef77197de6a815aac78c07fa5c70b2361c4d7"


def test_who_asks_is_no_part_of_the_key() -> None:
    assert dataclasses.replace(CHAT, role="actor", round=0).key("m") == CHAT.key("m")


def test_each_extra_makes_another_request() -> None:
    keys = {dataclasses.replace(CHAT, **extra).key("m") for extra in EXTRAS}
    assert len(keys | {CHAT.key("m")}) == len(EXTRAS) + 1


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_model_can_tell_what_is_asked_beyond_text(extra: dict[str, Any]) -> None:
    assert list(dataclasses.replace(CHAT, **extra).extras) == list(extra)
    assert CHAT.extras == {}


def test_all_that_the_model_sees_is_in_the_text_that_is_scanned() -> None:
    seen = Request(
        CHAT.prompt, tools=(Tool("run", "Runs code", '{"a": 1}'),), answer_schema='{"b": 2}', prefill="def f"
    ).prompt_text
    assert seen.startswith(CHAT.prompt_text)
    assert all(part in seen for part in ("run", "Runs code", '{"a": 1}', '{"b": 2}', "def f"))


CALL = ToolCall("add", '{"a": 1}', "c1")
TURNS = (
    *CHAT.prompt,
    Message("assistant", "Let me see.", (CALL,)),
    Message("tool", "3", call_id="c1", tool="add"),
)


def test_each_part_of_a_tool_s_turn_makes_another_request() -> None:
    others = [
        Message("assistant", "Let me see."),
        Message("assistant", "Let me see.", (dataclasses.replace(CALL, arguments="{}"),)),
        Message("assistant", "Let me see.", (dataclasses.replace(CALL, id="c2"),)),
        Message("assistant", "Let me see.", (CALL, CALL)),
    ]
    answers = [Message("tool", "3", call_id="c2", tool="add"), Message("tool", "3", call_id="c1", tool="sub")]
    prompts = [TURNS, *((*TURNS[:2], other, TURNS[3]) for other in others), *((*TURNS[:3], one) for one in answers)]
    assert len({Request(prompt).key("m") for prompt in prompts}) == len(prompts)


def test_the_scan_and_the_ledger_see_what_was_called() -> None:
    request = Request(TURNS)
    assert request.answers_calls
    assert not CHAT.answers_calls
    assert not RAW.answers_calls
    assert request.prompt_text.endswith('[assistant]\nLet me see.\n[call add] {"a": 1}\n\n[tool]\n3')
    assert Message("assistant", "", (CALL,)).text == '[call add] {"a": 1}'
    assert Message("user", "s").text == "s"
