"""What is counted apart from wrong answers: each planned episode once, with the denominators of the accuracy."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from banchu.agents import Critic, Reflector, TestWriter
from banchu.analysis import print_summary, summarise, tabulate
from banchu.analysis.arms import ArmSummary
from banchu.analysis.end_tables import cut_table
from banchu.analysis.ends import ENDS, Ends, count_ends
from banchu.analysis.report.markdown import plain
from banchu.core import Arm, CallRecord, EpisodeRecord
from banchu.core.chat import CallRole, FinishReason
from banchu.core.episode import OVERFLOW, StoppedBy

Make = Callable[..., EpisodeRecord]
NONE = Arm.parse("none")


def cut(episode: EpisodeRecord, *rounds: int, why: FinishReason = "length") -> EpisodeRecord:
    """The same with replies of these rounds that did not end by themselves."""
    return replace(
        episode,
        attempts=tuple(
            replace(a, attempt=replace(a.attempt, truncated=why == "length" and a.attempt.round in rounds))
            for a in episode.attempts
        ),
        calls=tuple(replace(c, finish_reason=why if c.round in rounds else c.finish_reason) for c in episode.calls),
    )


def call(role: CallRole, round_: int, why: FinishReason = "stop") -> CallRecord:
    return CallRecord(role, round_, 10, 5, why, 0, 0.5)


def summary_of(records: Sequence[EpisodeRecord], tasks: Sequence[str], rounds: int = 1) -> ArmSummary:
    return summarise(records, arms=[Arm.parse(records[0].arm)], rounds=rounds, task_ids=tasks).arms[0]


def test_each_planned_episode_is_counted_once_and_under_its_reason(episode: Make) -> None:
    records = [
        episode("right", "none", ".x"),
        cut(episode("right, cut", "none", "xx"), 1),
        episode("wrong", "none", "x."),
        cut(episode("cut", "none", "x."), 1),
        cut(episode("cut before a program", "none", "x-"), 1),
        cut(episode("was cut before", "none", ".."), 0),
        episode("no program", "none", "x-"),
        cut(episode("filtered", "none", "x-"), 1, why="content_filter"),
        episode("unjudged", "none", "x?"),
        replace(episode("overflow", "none", "x", failed=True), error=f"{OVERFLOW}9000 do not fit"),
        episode("error", "none", "x", failed=True),
        replace(episode("budget", "none", "."), stopped_by="budget"),
        cut(replace(episode("budget, cut", "none", "."), stopped_by="budget"), 0),
    ]
    found = summary_of(records, [*(record.task_id for record in records), "never"])
    assert found.ends == Ends(
        right=2,
        wrong=3,
        cut=3,
        filtered=1,
        no_program=1,
        unjudged=1,
        overflow=1,
        error=1,
        not_run=1,
        planned=14,
        right_though_cut=1,
        by_budget=2,
    )
    assert (found.accuracy[-1].solved, found.accuracy[-1].n) == (2, 13)
    assert found.stopped_by == {"budget": 2, "rounds": 9}


@given(
    st.lists(
        st.tuples(
            st.text("x.-?", max_size=4),
            st.booleans(),
            st.sets(st.integers(0, 3)),
            st.sampled_from(["rounds", "budget"]),
        ),
        max_size=12,
    ),
    st.integers(0, 3),
)
def test_they_add_up_to_what_was_planned_and_agree_with_the_accuracy(
    made: list[tuple[str, bool, set[int], StoppedBy]], rounds: int
) -> None:
    from tests.analysis.conftest import make_episode

    records = [
        replace(cut(make_episode(str(n), "none", marks, failed=failed or not marks), *cuts), stopped_by=by)
        for n, (marks, failed, cuts, by) in enumerate(made)
    ]
    tasks = [str(n) for n in range(len(made) + 2)]
    found = count_ends(tabulate(records, NONE, rounds=rounds, task_ids=tasks))
    assert sum(getattr(found, end) for end in ENDS) == found.planned == len(tasks)
    summary = summarise(records, arms=[NONE], rounds=rounds, task_ids=tasks).arms[0]
    assert (found.right, found.planned - found.unjudged) == (summary.accuracy[-1].solved, summary.accuracy[-1].n)


def test_replies_that_were_cut_are_counted_by_role_and_round(episode: Make) -> None:
    critics = (call("critic", 0, "length"), call("critic", 1), call("reflector", 0, "length"))
    records = [
        replace(
            cut(episode("a", "intrinsic", ".x."), 1), calls=(call("actor", 0), call("actor", 1, "length"), *critics)
        ),
        cut(episode("b", "intrinsic", ".."), 0, 1),
    ]
    found = summary_of(records, ["a", "b", "c"], rounds=2)
    told = {cuts.role: (cuts.by_round, cuts.right) for cuts in found.cuts}
    assert told == {
        "actor": (((1, 2), (2, 2), (0, 0)), 1),
        "critic": (((1, 1), (0, 1), (0, 0)), 0),
        "reflector": (((1, 1), (0, 0), (0, 0)), 0),
    }
    (note,) = [
        note
        for note in summarise(records, arms=[Arm.parse("intrinsic")], rounds=2, task_ids="abc").notes
        if "cut" in note
    ]
    assert note == (
        "intrinsic: cut by the token limit: 3 of 4 attempts (1 of them right), 1 of 2 reviews, 1 of 1 reflection; "
        "raise --max-tokens"
    )


@pytest.mark.parametrize(("length", "advised"), [(1, True), (33, True), (40, False)])
def test_a_larger_limit_is_advised_from_a_few_per_cent_on(episode: Make, length: int, advised: bool) -> None:
    records = [cut(episode(str(n), "none", "."), *([0] if n == 0 else [])) for n in range(length)]
    (note,) = [
        note
        for note in summarise(records, arms=[NONE], rounds=0, task_ids=[r.task_id for r in records]).notes
        if "cut" in note
    ]
    assert note.endswith("; raise --max-tokens") == advised
    assert f"1 of {length} attempt" in note


def test_reviews_that_are_cut_advise_nothing_about_max_tokens(episode: Make) -> None:
    records = [replace(episode("a", "intrinsic", "x"), calls=(call("actor", 0), call("critic", 0, "length")))]
    notes = summarise(records, arms=[Arm.parse("intrinsic")], rounds=0, task_ids=["a"]).notes
    assert "intrinsic: cut by the token limit: 1 of 1 review" in notes


def test_the_tables_have_a_row_for_each_arm_and_fit(episode: Make) -> None:
    arms = [NONE, Arm.parse("self_tests+search=tree+width=2+rounds=12")]
    records = [cut(episode(str(n), arm.name, "x" + "." * 9), 0, 4, 9) for arm in arms for n in range(164)]
    out = io.StringIO()
    summary = summarise(records, arms=arms, rounds=9, task_ids=[str(n) for n in range(164)])
    print_summary(summary, Console(file=out, width=100), detail=True)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert "How planned episodes ended" in text
    row = next(line for line in text.partition("Replies cut")[2].splitlines() if line.startswith(" none"))
    assert row.split()[1:] == ["164/164", "0/164", "0/164", "0/164", "–", "492/1640", "30.0", "164"]
    caption = plain(cut_table(summary).caption)
    kinds: dict[str, type[Any]] = {"critic": Critic, "reflector": Reflector, "tester": TestWriter}
    for role, kind in kinds.items():
        limits: dict[str, Any] = {field.name: field.default for field in fields(kind)}
        assert f"{role} {limits['max_tokens']}" in caption
