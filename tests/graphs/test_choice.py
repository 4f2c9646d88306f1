"""Which attempt is the answer: the best by the episode's own tests, or what most attempts agree on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.graphs.walking import RIGHT, TASK, WRONG, ScriptedProver, Walk

from banchu.core.episode import Attempt, Choice, Feedback
from banchu.graphs.choice import best, majority

SHOWN = replace(TASK, examples=("assert inc(1) == 2", "assert inc(5) == 6"))


class Says(ScriptedProver):
    """A fake: each program is its own list of outputs, joined by commas."""

    async def outputs(self, calls: Sequence[str], code: str) -> list[str]:
        self.asked.append(tuple(calls))
        return code.split(",")


def attempts(codes: Sequence[str | None]) -> list[Attempt]:
    return [Attempt(round, "", code) for round, code in enumerate(codes)]


async def voted(codes: Sequence[str | None]) -> int:
    return await majority(SHOWN, attempts(codes), Says())


@given(st.lists(st.sampled_from([None, 0.0, 0.5, 1.0]), min_size=1, max_size=12))
def test_the_best_is_the_first_that_no_other_surpasses(scores: list[float | None]) -> None:
    chosen = best([Feedback(round, "self_tests", "", score=score) for round, score in enumerate(scores)])
    score = scores[chosen]
    better = [other for other in scores if other is not None and (score is None or other > score)]
    assert better == []
    assert score not in scores[:chosen]


@pytest.mark.parametrize(
    ("codes", "chosen"),
    [
        (["1,2", "2,3", "2,3"], 1),
        (["1,2", "2,3", "2,3", "1,2"], 0),  # as many votes: the cluster that came first
        (["1,2", "2,3", "3,4"], 0),
        (["1,2", "1,3", "2,2", "1,3"], 1),  # equal on one probe is not equal
        (["raises KeyError,raises KeyError"] * 3 + ["1,2"], 3),  # what gives no value has no vote
        (["stopped: the code took too long,raises KeyError"] * 3 + ["1,2"], 3),
        (["1,raises KeyError"] * 2 + ["1,2"], 0),  # a value on one probe is enough, and the error is part of it
        ([None, None, None, "1,2"], 3),
        ([None, "raises ValueError,stopped: killed"], 0),  # nobody has a vote: the first
        (["'raises nothing','stopped'", "1,2", "'raises nothing','stopped'"], 0),  # texts that a program returned
    ],
)
async def test_the_majority_is_the_first_of_the_largest_cluster(codes: list[str | None], chosen: int) -> None:
    assert await voted(codes) == chosen


@given(st.lists(st.sampled_from(["1,2", "1,3", "raises E,1", "raises E,raises E", None]), min_size=1, max_size=9))
def test_no_cluster_is_larger_than_the_chosen_one(codes: list[str | None]) -> None:
    chosen = codes[asyncio.run(voted(codes))]
    votes: list[str | None] = [code for code in codes if code not in (None, "raises E,raises E")]
    assert all(votes.count(code) <= votes.count(chosen) for code in votes)
    assert chosen in votes or not votes


async def test_a_vote_among_agreeing_attempts_is_for_the_first_and_later_votes_can_turn_it() -> None:
    walk = Walk("none+choose=majority", [WRONG, RIGHT, RIGHT.replace("x + 1", "x + 1  # again")], rounds=2, task=SHOWN)
    output = await walk()
    assert walk.sink.choices == [Choice(0, None, 0), Choice(1, None, 0), Choice(2, None, 1)]
    assert output["answer"] == 1
    assert len(set(walk.prompts("actor"))) == 1
    assert {request.role for request in walk.requests} == {"actor"}
    assert {text for said in walk.sink.feedbacks for text in said.text} == set()
    # Only calls cross to the programs, and nothing of what the examples say they give.
    assert all("==" not in call for calls in walk.prover.asked for call in calls)


async def test_without_a_probe_programs_agree_if_they_are_the_same_but_for_layout() -> None:
    prover = Says()
    one, other = "def inc(x):\n    return x + 1\n", "def inc(x):  # one more\n\n    return (x + 1)\n"
    codes = ["def inc(x):\n    return x\n", "oops(", None, other, one]
    assert await majority(TASK, attempts(codes), prover) == 3
    assert await majority(TASK, attempts(["oops(", "oops("]), prover) == 0
    assert prover.asked == []


async def test_the_best_of_samples_behind_a_gate_may_be_an_earlier_one() -> None:
    walk = Walk("none+gate=self_tests+choose=best", [RIGHT, WRONG], tests="assert inc(1) == 2\nassert inc(9) == 9")
    output = await walk()
    assert output["stopped_by"] == "rounds"
    assert [said.score for said in walk.sink.feedbacks] == [0.5, 0.0, 0.0, 0.0]
    assert [choice.chosen for choice in walk.sink.choices] == [0, 0, 0, 0]
    assert output["answer"] == 0


async def test_where_the_answer_is_chosen_the_last_attempt_is_assessed_too() -> None:
    walk = Walk("visible_tests+choose=best+window=0", [WRONG, WRONG, RIGHT], rounds=2, task=SHOWN)
    output = await walk()
    assert (output["stopped_by"], output["answer"]) == ("accepted", 2)
    assert [said.round for said in walk.sink.feedbacks] == [0, 1, 2]


@pytest.mark.parametrize("arm", ["intrinsic+choose=majority", "visible_tests+explain=code+choose=best"])
async def test_nobody_is_asked_about_an_attempt_that_no_other_follows(arm: str) -> None:
    """Its critique would be paid for, and read by nobody."""
    walk = Walk(arm, [WRONG], rounds=2, task=SHOWN)
    output = await walk()
    assert output["stopped_by"] == "rounds"
    assert [request.round for request in walk.requests if request.role == "critic"] == [0, 1]
    assert [choice.round for choice in walk.sink.choices] == [0, 1, 2]


@pytest.mark.parametrize("stop", ["same", "same+same=3"])
async def test_a_vote_can_end_with_equal_answers(stop: str) -> None:
    walk = Walk(f"none+choose=majority+stop={stop}", [WRONG, RIGHT], rounds=9, task=SHOWN)
    assert (await walk())["stopped_by"] == "same"
    assert len(walk.sink.choices) == len(walk.sink.attempts) == (4 if "3" in stop else 3)


async def test_an_episode_handed_no_prover_cannot_vote() -> None:
    walk = Walk("none+choose=majority", [WRONG], task=SHOWN)
    walk.prover = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match="handed none"):
        await walk()
