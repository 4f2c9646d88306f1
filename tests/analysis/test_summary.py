from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from banchu.analysis import summarise
from banchu.core import Arm, CallRecord, EpisodeRecord
from banchu.core.arm import parse_arms

Make = Callable[..., EpisodeRecord]
ARMS = parse_arms("none,intrinsic,oracle_trace")


@pytest.fixture
def records(episode: Make) -> list[EpisodeRecord]:
    marks = {
        "none": [".x.", "...", "x.x", "-.."],
        "intrinsic": ["x..", "...", "xxx", ".-?"],
        "oracle_trace": [".x", "x", "..x"],
    }
    made = [episode(str(i), arm, m) for arm, rows in marks.items() for i, m in enumerate(rows)]
    critic = CallRecord("critic", 0, 100, 50, "length", 2, 1.0)
    return [replace(e, calls=(*e.calls, critic), oracle_calls=3 * (e.arm == "oracle_trace")) for e in made]


def test_the_figures_of_each_arm_by_hand(records: list[EpisodeRecord]) -> None:
    summary = summarise(records, arms=ARMS, rounds=2, task_ids=["0", "1", "2", "3"])
    none, intrinsic, oracle = summary.arms
    assert [(a.solved, a.n) for a in none.accuracy] == [(1, 4), (1, 4), (1, 4)]
    assert (none.any_attempt_upper_bound.solved, none.any_attempt_upper_bound.n) == (2, 4)
    assert none.no_answer_attempts == 1
    assert [(a.solved, a.n, a.unjudged) for a in intrinsic.accuracy] == [(2, 4, 0), (1, 4, 0), (1, 3, 1)]
    assert intrinsic.flips is not None
    assert (intrinsic.flips.correct_incorrect, intrinsic.flips.n, intrinsic.unjudged_attempts) == (1, 3, 1)
    assert intrinsic.last_verdicts == {"passed": 1, "wrong_answer": 2, "unjudged": 1}
    assert [(a.solved, a.n) for a in oracle.accuracy] == [(1, 4), (2, 4), (3, 4)]
    assert (oracle.episodes, oracle.missing, oracle.oracle_calls) == (3, 1, 9)
    assert oracle.attempts_per_episode == 2
    assert oracle.measure == "oracle-stopped, k<=3 attempts"
    assert oracle.pass_at_k == ()
    assert [sample.k for sample in none.pass_at_k] == [1, 2, 3]
    assert (none.tokens.prompt, none.tokens.completion, none.tokens.total) == (520, 260, 780)
    assert none.tokens_by_role["critic"].total == 600
    assert (none.model_calls, none.truncated_replies, none.prompts_with_sealed_text) == (16, 4, 4)
    assert none.model_seconds == 10.0
    assert [c.pairs for c in summary.comparisons] == [3, 3, 3]


def test_the_notes_name_what_must_be_known(records: list[EpisodeRecord]) -> None:
    notes = "\n".join(summarise(records, arms=ARMS, rounds=2, task_ids=["0", "1", "2", "3"]).notes)
    for part in (
        "oracle_trace: oracle content and stop; its figures are 'oracle-stopped, k<=3 attempts', never pass@1",
        "intrinsic: SEALED TEXT in 4 prompts",
        "oracle_trace: 1 of 4 episodes not run; they count as not solved",
        "intrinsic: 1 attempt unjudged",
        "none: cut by the token limit: 4 of 4 reviews\nnone: 1 attempt held no program",
    ):
        assert part in notes
    assert "oracle_trace: SEALED" not in notes
    assert "a floor" not in notes


@pytest.mark.parametrize(("marks", "word"), [("..", "a floor"), ("xx", "a ceiling"), (".x", "a floor")])
def test_a_floor_and_a_ceiling_at_round_0_are_named(episode: Make, marks: str, word: str) -> None:
    records = [episode("t", arm.name, marks) for arm in ARMS]
    assert summarise(records, arms=ARMS, rounds=1, task_ids=["t"]).notes[0].startswith(word)


@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("task_ids", [[], ["t"]])
@pytest.mark.parametrize("arms", [(), ARMS[:1], ARMS])
def test_a_run_without_records_is_all_zeros_and_none(rounds: int, task_ids: list[str], arms: tuple[Arm, ...]) -> None:
    summary = summarise([], arms=arms, rounds=rounds, task_ids=task_ids)
    document = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert len(document["arms"]) == len(arms)
    for arm in document["arms"]:
        assert arm["attempts_per_episode"] is None
        assert arm["accuracy"][0]["value"] == (0 if task_ids else None)
    for comparison in document["comparisons"]:
        assert comparison["p"] is comparison["interval"] is None


def test_json_is_plain_and_carries_the_readings(records: list[EpisodeRecord]) -> None:
    document = json.loads(
        json.dumps(summarise(records, arms=ARMS, rounds=2, task_ids=["0", "1"]).to_json(), allow_nan=False)
    )
    assert document["arms"][0]["flips"]["ic_of_all"] is not None
    assert "any_attempt_upper_bound" in document["arms"][0]
    assert "does not show that it beats its control" in document["comparisons"][0]["reading"]
    assert document["comparisons"][0]["control"] is True
    assert document["comparisons"][0]["beats_control"] is False
    assert [each["budget"] for each in document["comparisons"][0]["budgets"]] == ["calls", "programs", "tokens"]


def test_many_arms_are_each_compared_with_their_controls(episode: Make) -> None:
    arms = parse_arms("none,intrinsic,oracle_stop,oracle_verdict,oracle_trace")
    records = [episode("t", arm.name, "x") for arm in arms]
    pairs = [(c.a, c.b) for c in summarise(records, arms=arms, rounds=0, task_ids=["t"]).comparisons]
    assert pairs == [
        ("none", "intrinsic"),
        ("none", "oracle_stop"),
        ("oracle_stop", "oracle_verdict"),
        ("oracle_stop", "oracle_trace"),
    ]
    few = summarise(records, arms=arms[:4], rounds=0, task_ids=["t"]).comparisons
    assert len(few) == 6
    assert all(c.comparisons == 6 for c in few)


def test_a_failed_episode_is_a_failure_and_is_listed_apart(episode: Make) -> None:
    records = [episode("a", "none", "x", failed=True), episode("b", "none", "xx")]
    (none,) = summarise(records, arms=ARMS[:1], rounds=1, task_ids=["a", "b"]).arms
    assert [(a.solved, a.n) for a in none.accuracy] == [(2, 2), (1, 2)]
    assert (none.errors, none.missing) == (1, 0)
    assert none.stopped_by == {"rounds": 1}


def test_an_arm_without_its_control_is_compared_with_the_first(episode: Make) -> None:
    arms = parse_arms("intrinsic,self_tests,visible_tests,none+stop=same,placebo")
    records = [episode("t", arm.name, "x") for arm in arms]
    pairs = [(c.a, c.b, c.control) for c in summarise(records, arms=arms, rounds=0, task_ids=["t"]).comparisons]
    assert pairs == [
        ("placebo", "intrinsic", True),
        ("placebo", "self_tests", True),
        ("placebo", "visible_tests", True),
        ("intrinsic", "none+stop=same", False),
    ]
