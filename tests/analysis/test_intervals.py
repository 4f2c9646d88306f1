from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.analysis import clustered_wilson, wilson
from banchu.analysis.intervals import paired_interval

Tasks = list[tuple[int, int]]


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95]))
@settings(deadline=None)
def test_wilson_equals_scipy_and_statsmodels(counts: tuple[int, int], level: float) -> None:
    from scipy.stats import binomtest
    from statsmodels.stats.proportion import proportion_confint

    solved, n = counts
    ours = wilson(solved, n, level)
    assert ours is not None
    theirs = binomtest(solved, n).proportion_ci(level, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx(proportion_confint(solved, n, 1 - level, method="wilson"), abs=1e-12)
    assert 0 <= ours.low <= solved / n <= ours.high <= 1


def test_wilson_of_nothing_is_none() -> None:
    assert wilson(0, 0) is None
    assert clustered_wilson([]) is None
    assert clustered_wilson([(0, 0)]) is None


def test_one_unit_a_task_is_plain_wilson() -> None:
    assert clustered_wilson([(1, 1)] * 3 + [(0, 1)] * 9 + [(0, 0)]) == wilson(3, 12)


def test_repeats_that_always_agree_count_once() -> None:
    assert clustered_wilson([(5, 5)] * 3 + [(0, 5)] * 9) == wilson(3, 12)
    assert clustered_wilson([(0, 5)] * 12) == wilson(0, 12)
    assert clustered_wilson([(5, 5)] * 12) == wilson(12, 12)
    assert clustered_wilson([(1, 5)]) == wilson(0.2, 1)


def test_the_effective_size_is_that_of_the_variance_between_tasks() -> None:
    from statistics import variance

    shares = [0, 0.25, 0.75, 1, 1, 0.5, 0.25, 0, 1, 0.75]
    mean = sum(shares) / 10
    effective = mean * (1 - mean) / (variance(shares) / 10)
    expected, ours = wilson(mean * effective, effective), clustered_wilson([(int(4 * s), 4) for s in shares])
    assert 10 < effective < 40
    assert expected is not None
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(3, 7)), min_size=1, max_size=30), st.randoms())
@settings(deadline=None)
def test_the_order_of_tasks_does_not_show_in_the_last_digit(tasks: Tasks, rng: random.Random) -> None:
    shuffled = list(tasks)
    rng.shuffle(shuffled)
    assert clustered_wilson(tasks) == clustered_wilson(shuffled)


def test_repeats_that_are_independent_count_in_full() -> None:
    rng = random.Random(0)
    tasks = [(sum(rng.random() < 0.4 for _ in range(4)), 4) for _ in range(2000)]
    ours, naive = clustered_wilson(tasks), wilson(sum(s for s, _ in tasks), 8000)
    assert ours is not None
    assert naive is not None
    assert ours.high - ours.low == pytest.approx(naive.high - naive.low, rel=0.08)


def test_unequal_tasks_may_be_worth_less_than_their_number() -> None:
    """Twenty tasks with two units, most of them right, and twenty with one, most of them wrong."""
    tasks = [(2, 2)] * 15 + [(0, 2)] * 5 + [(1, 1)] * 2 + [(0, 1)] * 18
    share, n = 32 / 60, 60
    spread = sum((solved - share * judged) ** 2 for solved, judged in tasks)
    effective = share * (1 - share) * n**2 / spread
    assert effective < 39
    ours, expected = clustered_wilson(tasks), wilson(share * effective, effective)
    assert ours is not None
    assert expected is not None
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high))


def test_intervals_cover_a_known_truth() -> None:
    """Three correlated repeats a task; b is right 0.1 more often. 300 experiments, nominal 95 %."""
    rng = random.Random(11)
    covered = {"difference": 0, "accuracy": 0}
    for _ in range(300):
        differences, solved = [], []
        for _ in range(80):
            ease = rng.choice([0.1, 0.5, 0.7])
            a = [rng.random() < ease for _ in range(3)]
            b = [rng.random() < ease + 0.1 for _ in range(3)]
            differences.append((sum(b) - sum(a), 3))
            solved.append((sum(a), 3))
        difference = paired_interval(differences)
        accuracy = clustered_wilson(solved)
        assert difference is not None
        assert accuracy is not None
        covered["difference"] += difference.low <= 0.1 <= difference.high
        covered["accuracy"] += accuracy.low <= 1.3 / 3 <= accuracy.high
    # Binomial(300, 0.95) is at least 272 with probability 0.999; the difference errs on the wide side.
    assert all(270 <= count <= 299 for count in covered.values()), covered
