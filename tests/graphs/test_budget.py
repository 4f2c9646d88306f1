"""A model that stands for a budget which covers so many calls and no more: the episode ends there, with what it has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.core.test_spelling import legal_arms
from tests.graphs.walking import OTHER, RIGHT, WRONG, Walk

from banchu.core.arm import Arm
from banchu.core.chat import Completion, Request
from banchu.graphs import NotCovered

TESTS = "```python\nassert inc(1) == 2\nassert inc(9) == 10\n```"


def walk(arm: str, covered: int, answers: list[str] | None = None, **values: Any) -> Walk:
    """A walk whose model refuses every call after so many."""
    made = Walk(arm, answers or [WRONG, OTHER, RIGHT, WRONG], tests=TESTS, **values)
    answer = made.model.complete

    async def complete(request: Request) -> Completion:
        if made.model.calls >= covered:
            raise NotCovered
        return await answer(request)

    made.model.complete = complete  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(
    ("arm", "covered", "wrote"),
    [
        ("none", 2, ["attempt 0", "attempt 1"]),
        ("intrinsic", 1, ["attempt 0"]),
        ("intrinsic", 2, ["attempt 0", "feedback 0"]),
        ("intrinsic", 3, ["attempt 0", "feedback 0", "reflection 0"]),
        ("intrinsic", 4, ["attempt 0", "feedback 0", "reflection 0", "attempt 1"]),
        ("intrinsic+review=turns", 3, ["attempt 0", "feedback 0", "attempt 1"]),
        ("self_tests", 1, ["attempt 0"]),
        ("self_tests+explain=code", 2, ["attempt 0", "self_tests 2", "feedback 0"]),
    ],
)
async def test_an_episode_ends_before_the_call_that_is_not_covered(arm: str, covered: int, wrote: list[str]) -> None:
    found = walk(arm, covered)
    output = await found()
    assert output["stopped_by"] == "budget"
    assert [f"{what} {number}" for what, number in found.sink.log] == wrote
    assert len(output["attempts"]) == len(found.sink.attempts) > 0
    assert found.model.calls == covered


async def test_a_stop_rule_that_comes_first_is_what_stopped_it() -> None:
    assert (await walk("oracle_stop", 1, [RIGHT])())["stopped_by"] == "oracle"
    assert (await walk("none", 1, rounds=0)())["stopped_by"] == "rounds"


async def test_an_episode_without_an_attempt_is_no_episode() -> None:
    with pytest.raises(NotCovered):
        await walk("none", 0)()


async def test_the_answer_is_chosen_among_the_attempts_that_there_are() -> None:
    voted = walk("none+choose=majority", 3, [RIGHT, WRONG, RIGHT, WRONG])
    assert (await voted())["answer"] == 0
    assert [choice.chosen for choice in voted.sink.choices] == [0, 0, 0]
    # The review of attempt 2 is not covered; what was voted on before does not leave it out.
    reviewed = walk("intrinsic+choose=majority+window=0", 5, [WRONG, OTHER, RIGHT])
    assert (await reviewed())["answer"] == 1
    assert [choice.chosen for choice in reviewed.sink.choices] == [0, 0, 1]


async def test_what_running_found_has_its_say_though_nobody_explains_it() -> None:
    found = walk("self_tests+explain=code+choose=best+window=0", 4, [WRONG, RIGHT])
    output = await found()
    assert output["stopped_by"] == "budget"
    assert output["answer"] == 1
    assert [said.score for said in found.sink.feedbacks] == [0, 0.5]
    plain, bare = (said.text for said in found.sink.feedbacks)
    assert "VERDICT" in plain
    assert "VERDICT" not in bare
    # No test was written, so nothing can be best but the one attempt.
    assert (await walk("self_tests+choose=best", 1)())["answer"] == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(arm=legal_arms(), covered=st.integers(1, 9))
async def test_any_arm_does_what_it_would_have_done_and_then_stops(arm: Arm, covered: int) -> None:
    assume(arm.rounds_in(3) <= 8 and not arm.guesses and not (arm.search == "repair" and arm.rounds_in(3) < arm.width))
    whole, cut = walk(arm.name, 10_000), walk(arm.name, covered)
    complete, output = await whole(), await cut()
    made = cut.sink.attempts
    assert made == whole.sink.attempts[: len(made)]
    assert made
    if whole.model.calls <= covered:
        assert output == complete
        return
    assert output["stopped_by"] == "budget"
    last = cut.sink.feedbacks[-1:] if arm.explain != "nothing" else []
    told = cut.sink.feedbacks[: len(cut.sink.feedbacks) - len(last)]
    assert told == whole.sink.feedbacks[: len(told)]
    if arm.chooses or arm.searches:
        assert [choice.round for choice in cut.sink.choices] == [attempt.round for attempt in made]
        assert output["answer"] == cut.sink.choices[-1].chosen
