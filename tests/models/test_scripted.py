"""Scripts: which row answers, and what is said of a script that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import CallRole, Message, Request, Sampling
from banchu.core.errors import ConfigError, ModelError
from banchu.models.scripted import ScriptedModel, ScriptFile


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., ScriptFile]:
    def write(*rows: dict[str, Any]) -> ScriptFile:
        path = tmp_path / "script.jsonl"
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
        return ScriptFile(path)

    return write


async def said(model: ScriptFile, prompt: str, role: CallRole = "actor", round: int = 0) -> str:
    return (await model.complete(Request(prompt, role=role, round=round))).text


async def test_the_first_row_that_matches_answers(script: Callable[..., ScriptFile]) -> None:
    model = script({"match": "add", "reply": "1"}, {"match": "a.d", "reply": "2"}, {"reply": "3"})
    assert [await said(model, prompt) for prompt in ("add", "a\nd", "sub")] == ["1", "2", "3"]


async def test_rows_can_be_for_a_role_and_a_round(script: Callable[..., ScriptFile]) -> None:
    model = script(
        {"role": "critic", "round": 1, "reply": "second critique"},
        {"role": "critic", "reply": "critique"},
        {"round": 0, "reply": "first"},
        {"reply": "rest"},
    )
    assert await said(model, "x", "critic", 1) == "second critique"
    assert await said(model, "x", "critic", 0) == "critique"
    assert await said(model, "x", "actor", 0) == "first"
    assert await said(model, "x", "reflector", 2) == "rest"


async def test_a_match_sees_the_whole_chat(script: Callable[..., ScriptFile]) -> None:
    model = script({"match": r"\[system\].*\[user\].*add", "reply": "yes"})
    chat = (Message("system", "Be brief."), Message("user", "add two numbers"))
    assert (await model.complete(Request(chat))).text == "yes"


async def test_no_row_that_matches_is_an_error_that_names_the_cure(script: Callable[..., ScriptFile]) -> None:
    with pytest.raises(ModelError, match=r"script\.jsonl.*critic.*round 3.*'find it'.*last row") as error:
        await said(script({"match": "nothing", "reply": "x"}), "find it\nsecond line", "critic", 3)
    assert not error.value.retryable
    assert "\n" not in str(error.value)


async def test_separators_inside_a_text_do_not_end_a_row(script: Callable[..., ScriptFile]) -> None:
    reply = "a\u2028b\x85c\x0cd"
    assert await said(script({"reply": reply}), "x") == reply


def test_the_id_changes_with_the_content(tmp_path: Path) -> None:
    path, ids = tmp_path / "s.jsonl", []
    for reply in ("a", "b", "a"):
        path.write_text(json.dumps({"reply": reply}))
        ids.append(ScriptFile(path).id)
    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no rows"),
        ("\n\n", "no rows"),
        ('{"reply": "a"}\n\n{"reply": ', "line 3: not JSON"),
        ("[1]", "line 1: a row is an object"),
        ('{"match": "a"}', 'line 1: .*"reply"'),
        ('{"reply": 3}', 'line 1: .*"reply"'),
        ('{"reply": "a", "mach": "b"}', "line 1: .*'mach'"),
        ('{"reply": "a", "match": "("}', r"line 1: match '\(' is not a regular expression"),
        ('{"reply": "a", "match": 5}', "line 1: match 5"),
        ('{"reply": "a", "role": "actr"}', "line 1: role 'actr'"),
        ('{"reply": "a", "round": "0"}', "line 1: round '0'"),
        ('{"reply": "a", "delay_s": "soon"}', "line 1: delay_s 'soon'"),
        ('{"reply": "a", "delay_s": -1}', "line 1: delay_s -1"),
    ],
)
def test_a_bad_script_is_refused_in_one_line_that_says_where(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message) as error:
        ScriptFile(path)
    assert "bad.jsonl" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.jsonl: cannot read the script: No such file"):
        ScriptFile(tmp_path / "none.jsonl")


async def test_a_scripted_model_counts_its_calls_and_words() -> None:
    model = ScriptedModel(lambda request: f"seed {request.sampling.seed}")
    completion = await model.complete(Request("one two three", Sampling(seed=7)))
    assert (completion.text, model.calls) == ("seed 7", 1)
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (3, 2)


async def test_a_reply_that_is_too_long_is_cut_after_its_last_word() -> None:
    model = ScriptedModel(lambda request: "one  two\nthree four")
    answers = [await model.complete(Request("x", Sampling(max_tokens=limit))) for limit in (1, 3, 4)]
    assert [(answer.text, answer.finish_reason, answer.usage.completion_tokens) for answer in answers] == [
        ("one", "length", 1),
        ("one  two\nthree", "length", 3),
        ("one  two\nthree four", "stop", 4),
    ]
