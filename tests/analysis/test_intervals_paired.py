from __future__ import annotations

import random
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perf.covering.rivals import bonett_price, bootstrap, rows
from scipy import stats

from banchu.analysis.intervals import Interval, _student, paired_interval
from banchu.analysis.mcnemar import mcnemar_exact

Tasks = list[tuple[int, int]]


@st.composite
def tasks_with_repeats(draw: st.DrawFn) -> Tasks:
    """A sum within -pairs .. pairs for each task; some tasks without a pair, some that agree in all."""
    most = draw(st.sampled_from([1, 2, 4, 20]))
    pairs = st.integers(0, most)
    return draw(
        st.lists(
            pairs.flatmap(
                lambda n: st.tuples(st.one_of(st.integers(-n, n), st.sampled_from([-n, 0, n])), st.just(n)),
            ),
            max_size=40,
        )
    )


def flips(b_only: int, a_only: int, tasks: int) -> Tasks:
    return [(1, 1)] * b_only + [(-1, 1)] * a_only + [(0, 1)] * (tasks - a_only - b_only)


def of(tasks: Tasks, *, furthest: int = 1) -> Interval:
    found = paired_interval(tasks, furthest=furthest)
    assert found is not None
    return found


@given(tasks_with_repeats(), st.randoms(), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_interval_is_in_range_holds_the_estimate_and_mirrors(
    tasks: Tasks, rng: random.Random, level: float
) -> None:
    found = paired_interval(tasks, level=level)
    if not any(pairs for _, pairs in tasks):
        assert found is None
        return
    assert found is not None
    estimate = sum(total for total, _ in tasks) / sum(pairs for _, pairs in tasks)
    assert -1 <= found.low <= estimate <= found.high <= 1
    assert found.high - found.low > 0
    assert paired_interval([(-total, pairs) for total, pairs in tasks], level=level) == Interval(
        -found.high, -found.low, level
    )
    shuffled = list(tasks)
    rng.shuffle(shuffled)
    assert paired_interval(shuffled, level=level) == found


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 200))
@settings(deadline=None)
def test_with_one_pair_a_task_it_is_the_wald_interval_of_a_sample_with_three_more(b: int, a: int, same: int) -> None:
    n = a + b + same
    padded = np.array([1.0] * b + [-1.0] * a + [0.0] * same + [1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    weights = np.array([1.0] * n + [0.5] * 6)
    mean = np.average(padded, weights=weights)
    error = sqrt(np.average((padded - mean) ** 2, weights=weights) / (n + 3))
    half = stats.t.ppf(0.975, n + 1) * error
    found = of(flips(b, a, n))
    assert (found.low, found.high) == pytest.approx((max(-1, mean - half), min(1, mean + half)), rel=0.01, abs=1e-12)


@pytest.mark.parametrize("p", [0.9, 0.95, 0.975])
def test_student_s_quantile_is_scipy_s(p: float) -> None:
    for freedom in range(2, 200):
        assert _student(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=0.01 if freedom < 4 else 1e-3)
    assert _student(p, 30) == pytest.approx(stats.t.ppf(p, 30), rel=1e-6)


def test_repeats_that_always_agree_count_once() -> None:
    once = flips(7, 2, 40)
    for repeats in (2, 5):
        many = of([(repeats * total, repeats) for total, _ in once])
        assert (many.low, many.high) == pytest.approx((of(once).low, of(once).high))


def test_repeats_that_are_independent_count_nearly_in_full() -> None:
    rng = random.Random(0)
    pairs = [[rng.choice([1, 0, 0, -1]) for _ in range(4)] for _ in range(2000)]
    ours, naive = of([(sum(four), 4) for four in pairs]), of([(one, 1) for four in pairs for one in four])
    assert ours.high - ours.low == pytest.approx(naive.high - naive.low, rel=0.08)


def test_a_task_with_most_of_the_pairs_widens_the_interval() -> None:
    tasks = [(2, 4), (0, 4), (-1, 4)] * 20
    even, uneven = of([*tasks, (0, 4)]), of([*tasks, (20, 40)])
    assert uneven.high - uneven.low > 1.2 * (even.high - even.low)


def test_no_flip_is_not_certainty() -> None:
    """With no flip in n tasks the bound is near 3.7 / n, the exact one for a rate of which nothing was seen."""
    for tasks in (12, 40, 164, 500):
        found = of(flips(0, 0, tasks))
        assert found.low == -found.high
        assert 1 - 0.05 ** (1 / tasks) < found.high < 1.05 * (1 - 0.025 ** (1 / tasks))


def test_one_task_says_nothing() -> None:
    assert of([(1, 1)]) == of([(0, 1)]) == of([(3, 3)]) == Interval(-1.0, 1.0)
    assert paired_interval([]) is paired_interval([(0, 0)]) is None


def test_a_difference_of_differences_reaches_further() -> None:
    tasks = [(2, 1)] * 9 + [(1, 1)] * 3
    assert of(tasks).high == 1
    assert 1.75 < of(tasks, furthest=2).high <= 2
    assert of(flips(3, 1, 40), furthest=2) == of(flips(3, 1, 40))


@pytest.mark.parametrize("tasks", [6, 12, 25, 40])
def test_where_the_exact_test_sees_a_difference_the_interval_leaves_out_0(tasks: int) -> None:
    for b in range(tasks + 1):
        for a in range(tasks + 1 - b):
            if mcnemar_exact(a, b) < 0.05:
                found = of(flips(b, a, tasks))
                assert found.low > 0 or found.high < 0, (b, a)


def test_it_covers_where_flips_are_rare_and_go_one_way() -> None:
    """Added up exactly over all tables of 40 tasks: 94.5 % at least, where the published interval has 93 %."""
    ours, published = rows([40], [1], names=["banchu", "Bonett & Price"])
    assert ours.lowest > 0.945
    assert published.lowest < 0.935
    assert ours.width < 1.06 * published.width


def test_with_repeats_it_covers_a_known_truth() -> None:
    (ours,) = rows([40], [10], simulations=300, names=["banchu"])
    assert ours.lowest > stats.binom.ppf(1e-6, 300, 0.95) / 300


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 100))
@settings(deadline=None, max_examples=30)
def test_the_published_interval_is_bonett_and_price_s(b: int, a: int, same: int) -> None:
    """In their terms: p12 and p21 with one added to each count."""
    n = a + b + same
    p12, p21 = (b + 1) / (n + 2), (a + 1) / (n + 2)
    half = stats.norm.ppf(0.975) * sqrt((p12 + p21 - (p12 - p21) ** 2) / (n + 2))
    found = bonett_price(flips(b, a, n))
    assert (found.low, found.high) == pytest.approx((max(-1, p12 - p21 - half), min(1, p12 - p21 + half)))


def test_the_bootstrap_beside_it_is_scipy_s() -> None:
    tasks = [(3, 3), (1, 3), (-2, 3), (0, 3), (2, 3), (1, 3), (0, 3), (-1, 3)] * 4
    theirs = stats.bootstrap(
        (np.array([total / 3 for total, _ in tasks]),),
        np.mean,
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = bootstrap(tasks)
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert bootstrap(flips(0, 0, 30)) is None
