"""The sources that run code or show nothing, walked with scripted models and a scripted prover (fakes)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.graphs.walking import RIGHT, TASK, WRONG, Walk

from banchu.core.episode import Check, Feedback
from banchu.graphs.calls import calls_of
from banchu.graphs.run_feedback import report

SHOWN = replace(TASK, examples=("assert inc(1) == 2", "assert inc(inc(0)) == 2"))
WRITTEN = "```python\nassert inc(1) == 2\nassert inc(\nassert inc(9) == 9\nassert inc(3) == 4\n```"


async def test_placebo_says_the_same_whatever_happened_and_asks_nobody() -> None:
    for answer in (RIGHT, WRONG, "I do not know."):
        walk = Walk("placebo", [answer], rounds=2)
        assert (await walk())["stopped_by"] == "rounds"
        assert {request.role for request in walk.requests} == {"actor"}
        assert {feedback.text for feedback in walk.sink.feedbacks} == {"Your answer may be wrong. Try again."}
        assert {feedback.accepts for feedback in walk.sink.feedbacks} == {None}
        assert all("Your answer may be wrong. Try again." in prompt for prompt in walk.prompts("actor")[1:])


async def test_self_tests_are_written_once_and_run_in_every_round() -> None:
    walk = Walk("self_tests", [WRONG], tests=WRITTEN, rounds=3)
    await walk()
    assert [(r.role, r.round) for r in walk.requests if r.role == "tester"] == [("tester", 0)]
    assert walk.prover.asked == [("assert inc(1) == 2", "assert inc(9) == 9", "assert inc(3) == 4")] * 3
    assert walk.sink.log[:4] == [("attempt", 0), ("self_tests", 3), ("feedback", 0), ("reflection", 0)]
    assert "assert inc(9) == 9 # output: 1" in walk.prompts("actor")[1]
    assert "lesson 0" in walk.prompts("actor")[1]
    assert walk.oracle.asked == []


async def test_an_attempt_that_passes_its_own_tests_is_final() -> None:
    walk = Walk("self_tests+tests=1", [WRONG, RIGHT, WRONG], tests=WRITTEN)
    assert (await walk())["stopped_by"] == "accepted"
    assert [feedback.accepts for feedback in walk.sink.feedbacks] == [False, True]
    one_fails = Walk("self_tests", [RIGHT], tests=WRITTEN, rounds=1)
    assert (await one_fails())["stopped_by"] == "rounds"
    assert [feedback.accepts for feedback in one_fails.sink.feedbacks] == [False]
    goes_on = Walk("self_tests+tests=1+stop=rounds", [RIGHT], tests=WRITTEN)
    assert (await goes_on())["stopped_by"] == "rounds"


@pytest.mark.parametrize(("arm", "tests"), [("self_tests", "none come to mind"), ("visible_tests", "")])
async def test_without_a_test_nothing_is_accepted_and_nothing_is_run(arm: str, tests: str) -> None:
    walk = Walk(arm, [RIGHT], tests=tests, rounds=2)
    assert (await walk())["stopped_by"] == "rounds"
    assert [feedback.accepts for feedback in walk.sink.feedbacks] == [None, None]
    assert all(feedback.text for feedback in walk.sink.feedbacks)
    assert walk.prover.asked == []


async def test_visible_tests_are_those_of_the_prompt() -> None:
    walk = Walk("visible_tests", [WRONG, RIGHT], task=SHOWN)
    assert (await walk())["stopped_by"] == "accepted"
    assert set(walk.prover.asked) == {SHOWN.examples}
    assert {request.role for request in walk.requests} == {"actor", "reflector"}


async def test_execution_is_shown_calls_and_never_what_they_should_give() -> None:
    walk = Walk("execution", [WRONG], task=SHOWN, rounds=1)
    await walk()
    assert walk.prover.asked == [("inc(1)", "inc(inc(0))", "inc(0)")]
    assert walk.sink.feedbacks[0].accepts is None
    shown = walk.prompts("actor")[1]
    assert ">>> inc(1)" in shown
    assert "== 2" not in shown


@pytest.mark.parametrize("arm", ["self_tests", "visible_tests", "execution"])
async def test_an_answer_without_a_program_is_not_run(arm: str) -> None:
    walk = Walk(arm, ["I do not know."], task=SHOWN, tests=WRITTEN, rounds=1)
    await walk()
    assert walk.prover.asked == []
    assert "No function" in walk.sink.feedbacks[0].text
    assert walk.sink.feedbacks[0].accepts is (None if arm == "execution" else False)


@pytest.mark.parametrize("gate", ["self_tests", "visible_tests"])
async def test_behind_a_gate_samples_stay_independent_and_nothing_is_shown(gate: str) -> None:
    written = "assert inc(1) == 2"
    walk = Walk(f"none+gate={gate}", [WRONG, WRONG, RIGHT], tests=written, task=SHOWN, rounds=9)
    assert (await walk())["stopped_by"] == "accepted"
    assert len(walk.sink.attempts) == 3
    assert len(set(walk.prompts("actor"))) == 1
    assert [f.accepts for f in walk.sink.feedbacks] == [False, False, True]
    assert {(f.source, f.text) for f in walk.sink.feedbacks} == {(gate, "")}


async def test_a_review_in_turns_carries_the_whole_conversation_on() -> None:
    walk = Walk("intrinsic+review=turns", [WRONG, RIGHT], ["review 0", "review 1"], rounds=2)
    await walk()
    assert [(r.role, r.round) for r in walk.requests] == [
        ("actor", 0),
        ("critic", 0),
        ("actor", 1),
        ("critic", 1),
        ("actor", 2),
    ]
    last = walk.requests[-1].prompt
    assert isinstance(last, tuple)
    said = [message.content for message in last if message.role == "assistant"]
    assert said == [WRONG, "review 0", RIGHT, "review 1"]
    assert walk.sink.feedbacks == [Feedback(0, "intrinsic", "review 0"), Feedback(1, "intrinsic", "review 1")]


@pytest.mark.parametrize("arm", ["self_tests", "execution", "none+gate=visible_tests"])
async def test_an_episode_handed_no_prover_cannot_run_code(arm: str) -> None:
    walk = Walk(arm, [WRONG], tests=WRITTEN)
    walk.prover = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match="handed none"):
        await walk()


def test_the_report_has_the_published_form() -> None:
    checks = [Check("assert f(1) == 2", True), Check("assert f(2) == 2", False, "3"), Check("assert f(3) == 4", True)]
    assert report(checks) == (
        "Tests passed:\nassert f(1) == 2\nassert f(3) == 4\n\nTests failed:\nassert f(2) == 2 # output: 3"
    )


def test_calls_leave_out_what_is_expected() -> None:
    assert calls_of(["assert f(1, x=[2]) == 3", "assert sorted(f( 1 )) == [f(0)]", "assert g(f) == 1"], "f") == (
        "f(1, x=[2])",
        "f(1)",
        "f(0)",
    )
