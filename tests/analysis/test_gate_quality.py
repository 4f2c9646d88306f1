from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from banchu.analysis.gate_quality import gate_quality, written_tests
from banchu.core import Arm, EpisodeRecord
from banchu.core.episode import SelfTest

Make = Callable[..., EpisodeRecord]
SELF = Arm.parse("self_tests")
SAID = {"y": True, "n": False, "-": None}


def judged(make: Make, task: str, marks: str, said: str, repeat: int = 0, arm: Arm = SELF) -> EpisodeRecord:
    return replace(make(task, arm.name, marks, repeat=repeat), accepts=tuple(SAID[mark] for mark in said))


@st.composite
def ledgers(draw: st.DrawFn) -> list[tuple[str, str]]:
    """(marks, what the gate said) of each task; what it said may be shorter than the attempts."""
    marks = st.text("x.?", min_size=1, max_size=3)
    return draw(st.lists(st.tuples(marks, st.text("yn-", max_size=3)), max_size=8))


@given(rows=ledgers())
@settings(deadline=None)
def test_the_four_counts_equal_brute_force(episode: Make, rows: list[tuple[str, str]]) -> None:
    records = [judged(episode, f"t{i}", marks, said) for i, (marks, said) in enumerate(rows)]
    pairs = Counter(pair for marks, said in rows for pair in zip(marks, said.ljust(9, "-"), strict=False))
    found = gate_quality(SELF, records)
    if not sum(count for (_, said), count in pairs.items() if said != "-"):
        assert found is None
        return
    assert found is not None
    tp, fp, fn, tn = pairs["x", "y"], pairs[".", "y"], pairs["x", "n"], pairs[".", "n"]
    assert (found.true_accepts, found.false_accepts, found.false_rejects, found.true_rejects) == (tp, fp, fn, tn)
    assert found.silent == sum(count for (_, said), count in pairs.items() if said == "-")
    assert found.unjudged == pairs["?", "y"] + pairs["?", "n"]
    for rate, count, of in (
        (found.accepted_of_right, tp, tp + fn),
        (found.accepted_of_wrong, fp, fp + tn),
        (found.right_of_accepted, tp, tp + fp),
        (found.right_of_rejected, fn, fn + tn),
    ):
        assert (rate.count, rate.of, rate.value) == (count, of, count / of if of else None)
        assert (rate.interval is None) == (of == 0)


def test_with_one_attempt_a_task_the_intervals_are_statsmodels_wilson(episode: Make) -> None:
    rows = ["xy"] * 7 + ["xn"] * 2 + [".y"] * 3 + [".n"] * 11
    found = gate_quality(SELF, [judged(episode, str(i), row[0], row[1]) for i, row in enumerate(rows)])
    assert found is not None
    for rate, count, of in ((found.accepted_of_right, 7, 9), (found.right_of_accepted, 7, 10)):
        assert rate.interval is not None
        assert (rate.interval.low, rate.interval.high) == pytest.approx(proportion_confint(count, of, method="wilson"))


def test_attempts_of_one_task_do_not_count_as_many(episode: Make) -> None:
    many = gate_quality(SELF, [judged(episode, t, "xxxx", "yyyy" if t in "ab" else "nnnn") for t in "abc"])
    few = gate_quality(SELF, [judged(episode, t, "x", "y" if t in "ab" else "n") for t in "abc"])
    assert many is not None
    assert few is not None
    assert many.accepted_of_right.of == 4 * few.accepted_of_right.of
    assert many.accepted_of_right.interval == few.accepted_of_right.interval


def test_what_has_no_gate_has_no_quality(episode: Make) -> None:
    none, oracle = Arm.parse("none"), Arm.parse("oracle_trace")
    assert gate_quality(none, [judged(episode, "1", "x.", "--", arm=none)]) is None
    assert gate_quality(oracle, [judged(episode, "1", "x.", "yn", arm=oracle)]) is None
    assert gate_quality(SELF, []) is None
    assert gate_quality(SELF, [judged(episode, "1", "x", "y", arm=none)]) is None
    gated = Arm.parse("none+gate=visible_tests")
    found = gate_quality(gated, [judged(episode, "1", ".", "y", arm=gated)])
    assert found is not None
    assert (found.source, found.false_accepts, found.accepted_of_right.value) == ("visible_tests", 1, None)


def with_tests(episode: EpisodeRecord, *tests: tuple[str, bool | None]) -> EpisodeRecord:
    return replace(episode, self_tests=tuple(SelfTest(source, holds) for source, holds in tests))


def test_the_tests_that_the_model_wrote(episode: Make) -> None:
    records = [
        with_tests(
            episode("1", "self_tests", "x"), ("assert f(1)", True), ("assert f(1)", True), ("assert f(2)", False)
        ),
        with_tests(episode("2", "self_tests", "x"), ("assert f(3)", True), ("assert f(4)", None)),
        with_tests(episode("3", "self_tests", "x"), ("assert f(1)", None)),
        episode("4", "self_tests", "x"),
        with_tests(episode("5", "none", "x"), ("assert f(1)", False)),
    ]
    found = written_tests(SELF, records)
    assert found is not None
    assert (found.episodes, found.none_written, found.tests, found.duplicates, found.unknown) == (4, 1, 6, 1, 2)
    assert (found.holds.count, found.holds.of) == (3, 4)
    assert (found.episodes_with_a_wrong_test.count, found.episodes_with_a_wrong_test.of) == (1, 2)


def test_no_episode_no_writer_and_no_test(episode: Make) -> None:
    assert written_tests(SELF, []) is None
    assert written_tests(Arm.parse("none"), [episode("1", "none", "x")]) is None
    found = written_tests(SELF, [episode("1", "self_tests", "x")])
    assert found is not None
    assert (found.tests, found.none_written, found.holds.value, found.holds.interval) == (0, 1, None, None)
