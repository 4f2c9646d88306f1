"""Every figure against a brute force that shares no code with it, on random ledgers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.analysis import ArmData, arm_edits, compare, summarise
from banchu.core import EpisodeRecord
from banchu.core.arm import parse_arms

Make = Callable[..., EpisodeRecord]
ARMS = parse_arms("none,intrinsic,oracle_verdict,oracle_verdict+stop=rounds,oracle_stop")


@dataclass(frozen=True)
class Plan:
    """marks by (arm, task, repeat); None: never run. A trailing `!` is a model error."""

    rounds: int
    repeats: int
    tasks: tuple[str, ...]
    marks: dict[tuple[str, str, int], str | None]

    def records(self, make: Make) -> list[EpisodeRecord]:
        return [
            make(task, arm, marks.rstrip("!"), repeat=repeat, failed=marks.endswith("!"))
            for (arm, task, repeat), marks in self.marks.items()
            if marks is not None
        ]

    def outcome(self, arm: str, task: str, repeat: int, round_: int) -> str:
        """`x`, `.`, or `?`, straight from the marks."""
        marks = self.marks[arm, task, repeat]
        if not marks:
            return "."
        padded = marks.replace("!", "." * 9) if "!" in marks else marks + marks[-1] * 9
        return padded[round_].replace("-", ".")

    def units(self) -> list[tuple[str, int]]:
        return [(task, repeat) for task in self.tasks for repeat in range(self.repeats)]


@st.composite
def plans(draw: st.DrawFn, alphabet: str = "x.-?", gaps: bool = True) -> Plan:
    rounds, repeats = draw(st.integers(0, 3)), draw(st.integers(1, 2))
    tasks = tuple(f"t{i}" for i in range(draw(st.integers(0, 4))))
    marks: st.SearchStrategy[str | None] = st.text(alphabet, min_size=1, max_size=rounds + 1)
    if gaps:
        broken = st.text(alphabet, max_size=rounds).map(lambda text: text + "!")
        marks = st.one_of(marks, broken, st.none())
    keys = [(arm.name, task, repeat) for arm in ARMS for task in tasks for repeat in range(repeats)]
    return Plan(rounds, repeats, tasks, {key: draw(marks) for key in keys})


@given(plan=plans())
@settings(deadline=None)
def test_accuracies_and_flips_equal_brute_force(episode: Make, plan: Plan) -> None:
    summary = summarise(plan.records(episode), arms=ARMS, rounds=plan.rounds, task_ids=plan.tasks, repeats=plan.repeats)
    json.dumps(summary.to_json(), allow_nan=False)
    for arm in summary.arms:
        rows = [[plan.outcome(arm.arm, *unit, r) for r in range(plan.rounds + 1)] for unit in plan.units()]
        for round_, accuracy in enumerate(arm.accuracy):
            column = [row[round_] for row in rows]
            assert (accuracy.solved, accuracy.unjudged) == (column.count("x"), column.count("?"))
            assert accuracy.n + accuracy.unjudged == arm.units == len(rows)
        if arm.flips is not None:
            moves = [row[0] + row[-1] for row in rows]
            assert arm.flips.correct_correct == moves.count("xx")
            assert arm.flips.correct_incorrect == moves.count("x.")
            assert arm.flips.incorrect_correct == moves.count(".x")
            assert arm.flips.incorrect_incorrect == moves.count("..")
            assert arm.flips.n + arm.flips.unjudged == len(rows)
        bound = arm.any_attempt_upper_bound
        assert bound.solved >= max(accuracy.solved for accuracy in arm.accuracy)
        assert arm.missing == sum(plan.marks[arm.arm, *unit] is None for unit in plan.units())


@given(plan=plans(alphabet="x.", gaps=False))
@settings(deadline=None)
def test_delta_is_repaired_minus_broken_and_the_change_in_accuracy(episode: Make, plan: Plan) -> None:
    summary = summarise(plan.records(episode), arms=ARMS, rounds=plan.rounds, task_ids=plan.tasks, repeats=plan.repeats)
    for arm in summary.arms:
        flips, first, last = arm.flips, arm.accuracy[0].value, arm.accuracy[-1].value
        if flips is None or first is None or last is None:
            continue
        assert flips.delta is not None
        assert flips.ic_of_all is not None
        assert flips.ci_of_all is not None
        assert flips.delta == pytest.approx(flips.ic_of_all - flips.ci_of_all)
        assert flips.delta == pytest.approx(last - first)
        assert sum((step.delta or 0) for step in arm.steps) == pytest.approx(flips.delta)


@given(plan=plans(), rng=st.randoms())
@settings(deadline=None)
@pytest.mark.slow
def test_the_order_of_episodes_and_of_tasks_changes_nothing(episode: Make, plan: Plan, rng: random.Random) -> None:
    records, tasks = plan.records(episode), list(plan.tasks)

    def figures() -> list[object]:
        summary = summarise(records, arms=ARMS, rounds=plan.rounds, task_ids=tasks, repeats=plan.repeats)
        pairs = [(c.p, c.p_control_holm, c.interval, c.difference, c.pairs, c.budgets) for c in summary.comparisons]
        needed = [c.tasks_needed for c in summary.comparisons]
        edits = [arm_edits(arm.name, records) for arm in ARMS]
        return [summary.arms, pairs, needed, edits, summary.oracle_parts, summary.notes]

    before = figures()
    rng.shuffle(records)
    assert figures() == before
    rng.shuffle(tasks)
    assert figures() == before


@given(plan=plans())
@settings(deadline=None)
def test_pairs_equal_brute_force(episode: Make, plan: Plan) -> None:
    records = plan.records(episode)
    a, b = (ArmData(arm, records, plan.rounds, plan.tasks, plan.repeats) for arm in ARMS[:2])
    c = compare(a, b)
    run = [u for u in plan.units() if plan.marks["none", *u] is not None and plan.marks["intrinsic", *u] is not None]
    pairs = [plan.outcome("none", *u, plan.rounds) + plan.outcome("intrinsic", *u, plan.rounds) for u in run]
    assert c.unjudged == sum("?" in pair for pair in pairs)
    assert (c.a_only, c.b_only) == (pairs.count("x."), pairs.count(".x"))
    assert c.pairs == len(pairs) - c.unjudged
    assert c.pairs + c.unjudged + len(c.missing_a) + len(c.missing_b) <= len(plan.units())
    assert c.solved_b - c.solved_a == c.b_only - c.a_only
    back = compare(b, a)
    assert (back.p, back.a_only, back.b_only) == (c.p, c.b_only, c.a_only)
    assert (c.p is None) == (c.pairs == 0)
    if c.p is not None:
        assert 0 < c.p <= 1
