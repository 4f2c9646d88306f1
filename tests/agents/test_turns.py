"""Answer, review and improvement as turns of one conversation."""

from __future__ import annotations

import pytest

from banchu.agents import Actor, Critic
from banchu.core.arm import VALENCES, Valence
from banchu.core.chat import Completion, Request, Sampling, Usage
from banchu.core.episode import Attempt
from banchu.core.task import Task
from banchu.models.protocol import PromptStyle

TASK = Task("t/1", "t", 'def double(x):\n    """Twice x."""\n', "double")
FIRST = Attempt(0, "First:\n```python\ndef double(x): return x\n```", "def double(x): return x\n")
SECOND = Attempt(1, "Second.", None)


class FakeModel:
    """Says the same always, and keeps what it was asked."""

    def __init__(self, style: PromptStyle = "chat") -> None:
        self.id, self.prompt_style, self.asked = "fake", style, list[Request]()

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        return Completion("```python\ndef double(x): return 2 * x\n```", Usage(1, 1), "stop")

    async def aclose(self) -> None: ...


def turns(request: Request) -> list[tuple[str, str]]:
    assert isinstance(request.prompt, tuple)
    return [(message.role, message.content) for message in request.prompt]


async def test_all_three_steps_are_one_conversation_in_the_published_words() -> None:
    model = FakeModel()
    actor, critic = Actor(model, Sampling()), Critic(model, Sampling())
    await actor.attempt(TASK, round=0, seed=0)
    await critic.review(TASK, round=0, seed=1, attempts=[FIRST], reviews=[], valence="leading")
    await actor.improve(TASK, round=1, seed=2, attempts=[FIRST], reviews=["It is wrong."], valence="leading")
    await critic.review(TASK, round=1, seed=3, attempts=[FIRST, SECOND], reviews=["It is wrong."], valence="leading")
    first, review, improve, again = map(turns, model.asked)
    asked = "Review your previous answer and find problems with your answer."
    assert review == [*first, ("assistant", FIRST.text), ("user", asked)]
    assert improve[:-1] == [*review, ("assistant", "It is wrong.")]
    assert improve[-1][0] == "user"
    assert improve[-1][1].startswith("Based on the problems you found, improve your answer.")
    assert again == [*improve, ("assistant", SECOND.text), ("user", asked)]
    assert [request.role for request in model.asked] == ["actor", "critic", "actor", "critic"]


@pytest.mark.parametrize("valence", VALENCES)
async def test_the_valence_is_what_the_review_is_asked_with(valence: Valence) -> None:
    model = FakeModel()
    await Critic(model, Sampling()).review(TASK, round=0, seed=1, attempts=[FIRST], reviews=[], valence=valence)
    words = {"neutral": "either correct or incorrect", "leading": "find problems", "presupposing": "There is an error"}
    assert words[valence] in turns(model.asked[0])[-1][1]
    assert "VERDICT" not in model.asked[0].prompt_text


async def test_a_model_that_continues_text_is_shown_the_last_answer_and_its_review() -> None:
    model = FakeModel("completion")
    await Actor(model, Sampling()).improve(
        TASK, round=2, seed=1, attempts=[FIRST, SECOND], reviews=["older", "newer"], valence="neutral"
    )
    (request,) = model.asked
    assert isinstance(request.prompt, str)
    assert "newer" in request.prompt
    assert "older" not in request.prompt
