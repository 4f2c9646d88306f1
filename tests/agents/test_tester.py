"""The test writer: what it asks for, and which tests it reads out of a reply."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.agents import TestWriter
from banchu.agents.tester import MAX_CHARACTERS, asserts_in
from banchu.core.chat import Completion, FinishReason, Request, Sampling, Usage
from banchu.core.task import Task
from banchu.models.protocol import PromptStyle

TASK = Task("t/1", "t", 'def double(x):\n    """Twice x."""\n', "double")


class FakeModel:
    """Answers what it is told to and keeps what it was asked."""

    def __init__(self, reply: str, finish_reason: FinishReason = "stop", style: PromptStyle = "chat") -> None:
        self.id, self.reply, self.finish_reason, self.asked = "fake", reply, finish_reason, list[Request]()
        self.prompt_style = style

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        return Completion(self.reply, Usage(1, 1), self.finish_reason)

    async def aclose(self) -> None: ...


async def test_it_asks_once_in_a_chat_for_so_many_tests() -> None:
    model = FakeModel("```python\nassert double(1) == 2\nassert double(2) == 4\nassert double(3) == 6\n```")
    tests = await TestWriter(model, Sampling(temperature=0.7, max_tokens=300)).write(TASK, limit=2, seed=9)
    assert tests == ("assert double(1) == 2", "assert double(2) == 4")
    (request,) = model.asked
    assert (request.role, request.round) == ("tester", 0)
    assert request.sampling == Sampling(temperature=0.7, max_tokens=300, seed=9)
    assert "at most 2 unit tests" in request.prompt_text
    assert TASK.prompt.strip() in request.prompt_text


async def test_a_model_that_continues_text_is_given_the_beginning_of_a_test() -> None:
    model = FakeModel("1) == 2\nassert double(2) == 4\n\nThat is all.", style="completion")
    tests = await TestWriter(model, Sampling()).write(TASK, limit=6, seed=9)
    assert tests == ("assert double(1) == 2", "assert double(2) == 4")
    (request,) = model.asked
    assert isinstance(request.prompt, str)
    assert request.prompt.endswith("    pass\n\n# check the correctness of double\nassert double(")
    assert "\n```" in request.sampling.stop


@pytest.mark.parametrize(("reason", "kept"), [("stop", 2), ("length", 1)])
async def test_a_line_that_was_cut_is_no_test(reason: FinishReason, kept: int) -> None:
    model = FakeModel("assert double(1) == 2\nassert double(50) == 10", reason)
    assert len(await TestWriter(model, Sampling()).write(TASK, limit=6, seed=1)) == kept


@pytest.mark.parametrize(
    ("reply", "tests"),
    [
        ("assert double(1) == 2\nassert double(1) == 2", ["assert double(1) == 2"]),
        ("Sure!\n```python\nassert double(1) == 2, 'no'\n```\nDone.", ["assert double(1) == 2"]),
        ("```python\nassert double(1\nassert double(2) == 4\n```", ["assert double(2) == 4"]),
        ("def test_it():\n    assert double(0) == 0\n    assert True\n", ["assert double(0) == 0"]),
        ("class T:\n  def test(self):\n    assert not double(0)\n", ["assert not double(0)"]),
        ("assert double(\n    1,\n) == 2", ["assert double(1) == 2"]),
        ("assert other(1) == 2\nassert double == 2\nassert (1 == 1)", []),
        ("<think>assert double(9) == 9</think>\nassert double(1) == 2", ["assert double(1) == 2"]),
        (f"assert double({'1' * MAX_CHARACTERS}) == 2", []),
        ("I would test that it doubles.", []),
        ("", []),
    ],
)
def test_what_is_a_test(reply: str, tests: list[str]) -> None:
    assert list(asserts_in(reply, "double")) == tests


@given(st.text() | st.lists(st.sampled_from(["assert double(1) == 2", "```", "assert (", "    ", "x = 1", "\ud800"])))
def test_any_reply_gives_single_asserts_that_call_the_function(reply: str | list[str]) -> None:
    for test in asserts_in(reply if isinstance(reply, str) else "\n".join(reply), "double"):
        (statement,) = ast.parse(test).body
        assert isinstance(statement, ast.Assert)
        assert "double(" in test
