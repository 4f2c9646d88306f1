from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar

from banchu.analysis import ArmData, compare, read
from banchu.analysis.power import mcnemar_power, tasks_needed
from banchu.core import Arm, EpisodeRecord

Make = Callable[..., EpisodeRecord]


def differences(a_only: int, b_only: int, tasks: int) -> list[tuple[int, int]]:
    return [(-1, 1)] * a_only + [(1, 1)] * b_only + [(0, 1)] * (tasks - a_only - b_only)


def brute_power(tasks: int, a_only: float, b_only: float) -> float:
    """Every number of discordant pairs and every split of them, with scipy's own test."""
    rate = a_only + b_only
    return float(
        sum(
            binom.pmf(pairs, tasks, rate) * binom.pmf(split, pairs, b_only / rate)
            for pairs in range(1, tasks + 1)
            for split in range(pairs + 1)
            if binomtest(split, pairs, 0.5).pvalue < 0.05
        )
    )


@given(tasks=st.integers(1, 22), a=st.integers(0, 10), b=st.integers(0, 10))
@settings(deadline=None, max_examples=12)
def test_power_is_scipy_s_test_summed_over_all_tables(tasks: int, a: int, b: int) -> None:
    if a + b:
        assert mcnemar_power(tasks, a / 20, b / 20) == pytest.approx(brute_power(tasks, a / 20, b / 20), abs=1e-9)


def test_power_is_what_a_simulation_with_statsmodels_test_finds() -> None:
    tasks, a_only, b_only, runs = 60, 0.05, 0.25, 4000
    tables, counts = np.unique(
        np.random.default_rng(1).multinomial(tasks, [a_only, b_only, 1 - a_only - b_only], size=runs),
        axis=0,
        return_counts=True,
    )
    hits = sum(
        count * (mcnemar([[rest, b], [a, 0]], exact=True).pvalue < 0.05)
        for (a, b, rest), count in zip(tables, counts, strict=True)
    )
    power = mcnemar_power(tasks, a_only, b_only)
    assert abs(hits / runs - power) < 4 * (power * (1 - power) / runs) ** 0.5


@given(a=st.integers(0, 8), b=st.integers(0, 8), same=st.integers(0, 60))
@settings(deadline=None, max_examples=30)
def test_the_number_of_tasks_is_the_least_that_suffices(a: int, b: int, same: int) -> None:
    n = a + b + same
    needed = tasks_needed(differences(a, b, n))
    if a == b:
        assert needed is None
        return
    assert needed is not None
    assert needed == tasks_needed(differences(b, a, n))
    if needed * (a + b) / n < 900:
        assert mcnemar_power(needed, a / n, b / n) >= 0.8
        below = [mcnemar_power(fewer, a / n, b / n) for fewer in range(max(1, needed - 40), needed)]
        assert max(below, default=0.0) < 0.8


def test_many_discordant_pairs_take_connor_s_formula_which_the_exact_number_approaches() -> None:
    a, b, n = 49, 50, 164
    rate, gain = (a + b) / n, (b - a) / n
    root = norm.ppf(0.975) * rate**0.5 + norm.ppf(0.8) * (rate - gain**2) ** 0.5
    assert tasks_needed(differences(a, b, n)) == int(np.ceil((root / gain) ** 2))
    exact = tasks_needed(differences(40, 60, 100))  # 199 tasks, about 199 discordant pairs
    assert exact is not None
    root = norm.ppf(0.975) + norm.ppf(0.8) * (1 - 0.04) ** 0.5
    assert exact == pytest.approx((root / 0.2) ** 2, rel=0.05)


def test_known_corners() -> None:
    assert tasks_needed([]) is None
    assert tasks_needed([(0, 0)]) is None
    assert tasks_needed([(1, 1)]) == 6  # 2 / 2^6 < 0.05: fewer can never show anything
    assert tasks_needed([(3, 3)]) == 6
    assert tasks_needed([(0, 2), (0, 1)]) is None
    assert mcnemar_power(0, 0.1, 0.2) == mcnemar_power(10, 0.0, 0.0) == 0.0
    assert mcnemar_power(5, 0.0, 1.0) == 0.0
    assert mcnemar_power(6, 0.0, 1.0) == mcnemar_power(6, 1.0, 0.0) == 1.0


def test_repeats_that_always_agree_need_as_many_tasks_as_one_repeat() -> None:
    once, thrice = differences(5, 20, 164), [(3 * d, 3) for d, _ in differences(5, 20, 164)]
    one, three = tasks_needed(once), tasks_needed(thrice)
    assert one is not None
    assert three == pytest.approx(one, rel=0.1)


def test_a_comparison_and_its_reading_carry_the_number(episode: Make) -> None:
    tasks = [f"t{i}" for i in range(20)]
    a, b = Arm.parse("none"), Arm.parse("intrinsic")
    of_a = ArmData(a, [episode(t, a.name, ".") for t in tasks], 0, tasks)
    of_b = ArmData(b, [episode(t, b.name, "x" if i < 4 else ".") for i, t in enumerate(tasks)], 0, tasks)
    found = compare(of_a, of_b)
    assert found.tasks_needed == tasks_needed(differences(0, 4, 20))
    assert f"to see this difference, about {found.tasks_needed} tasks are needed" in read(found)
    assert compare(of_a, of_a).tasks_needed is None
