"""Judged samples in figures: equal weight for tasks, nothing unjudged or missing averaged in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.analysis.intervals import clustered_wilson, wilson, wilson_of_mean
from banchu.analysis.passk import mean_pass_at_k
from banchu.analysis.samples import SampleSummary, summarise_samples
from banchu.core.verdict import VerdictKind

IDS = ("a", "b", "c", "d")


def summary(*ks: int, **kinds: str) -> SampleSummary:
    """Of samples a letter each: p passed, w wrong, f flaky, u unjudged."""
    names: dict[str, VerdictKind | None] = {"p": "passed", "w": "wrong_answer", "f": "flaky", "u": None}
    found = [(task, names[letter]) for task, letters in kinds.items() for letter in letters]
    return summarise_samples(found, IDS, ks or (1, 10))


def test_every_task_weighs_the_same_and_unjudged_weighs_nothing() -> None:
    found = summary(1, 2, 10, a="pwww", b="ppu", c="fuw")
    assert [each.k for each in found.pass_at_k] == [1, 2]
    assert found.pass_at_k[0].estimate == pytest.approx((1 / 4 + 1 + 0) / 3)
    assert found.pass_at_k[1].estimate == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert (found.left_out, found.least) == ((10,), 2)
    assert (found.judged, found.unjudged, found.missing) == (8, 2, ("d",))
    assert found.over_all == pytest.approx((1 / 4 + 1 + 0) / 4)
    assert found.kinds == {"passed": 3, "wrong_answer": 4, "flaky": 1}


def test_a_task_whose_samples_are_all_unjudged_is_neither_missing_nor_failed() -> None:
    found = summary(1, a="p", b="uu")
    assert (found.pass_at_k[0].estimate, found.pass_at_k[0].tasks) == (1.0, 1)
    assert (found.missing, found.unjudged) == (("c", "d"), 2)
    assert found.over_all == pytest.approx(1 / 3)


def test_nothing_judged_has_no_figure() -> None:
    found = summary(1, a="u")
    assert (found.pass_at_k, found.left_out, found.over_all) == ((), (1,), None)
    assert found.to_json()["unjudged"] == 1


COUNTS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)).map(lambda c: (c[0], min(c))), min_size=1)


@given(COUNTS)
def test_the_interval_holds_its_estimate(counts: list[tuple[int, int]]) -> None:
    found = mean_pass_at_k(counts, 1)
    assert found.interval is not None
    assert found.estimate is not None
    assert found.interval.low - 1e-9 <= found.estimate <= found.interval.high + 1e-9


@given(st.lists(st.integers(0, 5), min_size=1))
def test_with_as_many_samples_everywhere_it_is_the_clustered_interval(passed: list[int]) -> None:
    ours = wilson_of_mean([each / 5 for each in passed], units=5 * len(passed))
    known = clustered_wilson([(each, 5) for each in passed])
    assert ours is not None
    assert known is not None
    assert (ours.low, ours.high) == pytest.approx((known.low, known.high), abs=1e-9)


def test_with_one_sample_each_it_is_wilsons() -> None:
    assert wilson_of_mean([1.0, 0.0, 0.0, 1.0, 1.0], units=5) == wilson(3, 5)
    assert wilson_of_mean([], units=0) is None
