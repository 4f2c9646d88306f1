"""The tables of labels, gates, written tests, edits, budgets and the oracle's parts."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from banchu.analysis import arm_edits, print_summary, summarise
from banchu.analysis.labels import label
from banchu.analysis.quality_tables import edit_table
from banchu.analysis.tables import print_wide
from banchu.core import EpisodeRecord
from banchu.core.arm import parse_arms
from banchu.core.episode import SelfTest

Make = Callable[..., EpisodeRecord]
NAMES = (
    "none,self_tests,none+gate=self_tests,visible_tests+stop=rounds+window=3,placebo,oracle_stop,"
    "oracle_trace+stop=rounds,oracle_trace"
)
ARMS = parse_arms(NAMES)


def records(make: Make, tasks: int) -> list[EpisodeRecord]:
    tests = (SelfTest("assert f(1)", True), SelfTest("assert f(1)", True), SelfTest("assert f(2)", False))
    found = []
    for i in range(tasks):
        for arm in ARMS:
            right = i % 3 == 0 or (arm.oracle_stops and i % 3 == 1)
            made = make(f"HumanEval/{i}", arm.name, ".x" if right else "..")
            said = (i % 2 == 0, right) if arm.runs_code else ()
            found.append(replace(made, accepts=said, self_tests=tests if arm.writes_tests else ()))
    return found


def shown(make: Make, tasks: int, *, detail: bool = True) -> str:
    every, ids = records(make, tasks), [f"HumanEval/{i}" for i in range(tasks)]
    out = io.StringIO()
    console = Console(file=out, width=100)
    print_summary(summarise(every, arms=ARMS, rounds=1, task_ids=ids), console, detail=detail)
    print_wide(console, edit_table([arm_edits(arm.name, every) for arm in ARMS]))
    return out.getvalue()


@pytest.mark.parametrize("tasks", [0, 1, 164])
def test_nothing_is_cut_at_100_columns(episode: Make, tasks: int) -> None:
    text = shown(episode, tasks)
    assert "…" not in text
    assert "nan" not in text.lower()
    assert "None" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert "Labels" in text
    assert ("Feedback as a judge of attempts" in text) == ("Tests that the model wrote" in text) == (tasks > 0)


def test_the_cells(episode: Make) -> None:
    text = shown(episode, 12)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    # Of 24 attempts 4 are right, all of them second ones: accepted with the 4; the 6 first ones of even tasks are not.
    assert "self_tests 4 6 0 14 100.0 30.0 40.0 0.0 0" in lines
    assert "self_tests 12 0 36 12 66.7 100.0 0" in lines  # 3 tests each, one said twice, one wrong
    assert "does not stop 33.3 % 33.3 % +0.0 -24.9" in lines  # to +24.9 on the next line
    assert "stops 66.7 % 66.7 % +0.0 -24.9" in lines
    assert "self_tests +0.0 +0.0 +0.0 +0.0 1.00 1.00 not shown" in lines
    assert "the oracle of oracle_trace, on 12 units of 12 tasks: stopping alone gives +33.3 points" in " ".join(lines)
    assert "oracle, unrealistic, unfair" in text
    assert "external, realistic, fair-asym." in text


def test_a_run_prints_no_tables_for_a_second_look(episode: Make) -> None:
    text = shown(episode, 3, detail=False)
    for title in ("Labels", "judge of attempts", "equal budgets", "taken apart,"):
        assert title not in text
    assert "against its control" in text


@pytest.mark.parametrize(
    ("arm", "line"),
    [
        ("none", "no feedback, realistic, fair"),
        ("intrinsic", "intrinsic, realistic, fair"),
        ("self_tests", "external, realistic, fair-asym."),
        ("oracle_stop", "oracle, unrealistic, unfair"),
        ("intrinsic+stop=oracle", "oracle, unrealistic, unfair"),
    ],
)
def test_labels(arm: str, line: str) -> None:
    (summary,) = summarise([], arms=parse_arms(arm), rounds=1, task_ids=["t"]).arms
    assert label(summary) == line
    assert summary.oracle_stops == (summary.kind == "oracle")
