from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar

from banchu.analysis import ArmData, compare, mcnemar_exact, read, sign_flip_exact
from banchu.analysis import power as power_module
from banchu.analysis.power import _table, mcnemar_power, tasks_needed
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


@pytest.mark.parametrize("share", [0.5, 0.62, 0.9, 1.0])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 2 / 2**6])
def test_the_conditional_power_is_scipy_s_for_every_number_of_pairs(share: float, alpha: float) -> None:
    found = _table(share, 256, alpha)
    pairs, allowed = np.arange(1, 256), np.zeros(255, dtype=int)
    for n in range(1, 256):  # what the test rejects can only grow
        allowed[n - 1] = next(k for k in count(allowed[max(0, n - 2)].item()) if mcnemar_exact(k, n - k) >= alpha)
    expected = binom.cdf(allowed - 1, pairs, share) + binom.sf(pairs - allowed, pairs, share)
    assert found[0] == 0
    assert found[1:] == pytest.approx(np.where(allowed > 0, expected, 0.0), abs=1e-11)


@given(a=st.integers(0, 12), b=st.integers(0, 12), same=st.integers(0, 80), power=st.sampled_from([0.5, 0.8, 0.95]))
@settings(deadline=None, max_examples=40)
def test_the_number_of_tasks_is_that_of_a_search_through_every_number(a: int, b: int, same: int, power: float) -> None:
    n = a + b + same
    needed = tasks_needed(differences(a, b, n), power=power)
    if a == b:
        assert needed is None
        return
    assert needed is not None
    assert needed == tasks_needed(differences(b, a, n), power=power)
    if needed * (a + b) / n < 900:
        least = next(tasks for tasks in count(1) if mcnemar_power(tasks, a / n, b / n) >= power)
        assert needed == least


def test_a_search_looks_at_few_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """About 1,400 tasks: the least, though the power is asked for less than a hundred times."""
    asked: list[int] = []
    plain = power_module._power

    def counted(tasks: int, *rest: Any) -> float:
        asked.append(tasks)
        return plain(tasks, *rest)

    monkeypatch.setattr(power_module, "_power", counted)
    assert tasks_needed(differences(1, 3, 164)) == 1383
    assert asked == sorted(set(asked))
    assert len(asked) < 100


def test_a_power_is_a_chance() -> None:
    for tasks in (50, 500, 5_000):
        for a_only, b_only in ((0.0, 1.0), (0.0, 0.9), (0.1, 0.6), (0.01, 0.02)):
            assert 0 <= mcnemar_power(tasks, a_only, b_only) <= 1
    assert mcnemar_power(5_000, 0.1, 0.6) == 1.0


def test_many_discordant_pairs_take_connor_s_formula_which_the_exact_number_approaches() -> None:
    a, b, n = 49, 50, 164
    rate, gain = (a + b) / n, (b - a) / n
    root = norm.ppf(0.975) * rate**0.5 + norm.ppf(0.8) * (rate - gain**2) ** 0.5
    assert tasks_needed(differences(a, b, n)) == pytest.approx((root / gain) ** 2, rel=0.005)
    exact = tasks_needed(differences(40, 60, 100))  # 199 tasks, about 199 discordant pairs
    assert exact is not None
    root = norm.ppf(0.975) + norm.ppf(0.8) * (1 - 0.04) ** 0.5
    assert exact == pytest.approx((root / 0.2) ** 2, rel=0.05)


@pytest.mark.parametrize(("a", "b", "n"), [(5, 20, 100), (1, 6, 50), (10, 30, 100), (20, 30, 100), (1, 2, 100)])
def test_the_corrected_asymptotic_number_is_near_the_exact_one(a: int, b: int, n: int) -> None:
    about = power_module._asymptotic((b - a) / n, (a + b) / n, 1, 0.05, 0.8)
    assert about == pytest.approx(tasks_needed(differences(a, b, n)), rel=0.04)


@pytest.mark.parametrize("kind", ["independent", "agreeing"])
def test_with_repeats_as_many_tasks_show_the_difference_four_times_of_five(kind: str) -> None:
    """Simulated with three repeats, the rates being those of the tasks that the number came from."""
    rng = np.random.default_rng(3)
    rates = [0.05, 0.8, 0.15]
    sums = np.array([rng.choice([-1, 0, 1], size=3, p=rates).sum() for _ in range(20_000)])
    if kind == "agreeing":
        sums = 3 * rng.choice([-1, 0, 1], size=20_000, p=rates)
    needed = tasks_needed([(int(total), 3) for total in sums])
    assert needed is not None
    found = [sign_flip_exact(rng.choice(sums, size=needed).tolist()) < 0.05 for _ in range(400)]
    low, high = binom.interval(1 - 1e-6, 400, 0.8)
    assert low <= sum(found) <= high + 400 * 0.08


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
    assert three == pytest.approx(one, rel=0.02)


def test_a_comparison_and_its_reading_carry_the_number(episode: Make) -> None:
    tasks = [f"t{i}" for i in range(20)]
    a, b = Arm.parse("none"), Arm.parse("intrinsic")
    of_a = ArmData(a, [episode(t, a.name, ".") for t in tasks], 0, tasks)
    of_b = ArmData(b, [episode(t, b.name, "x" if i < 4 else ".") for i, t in enumerate(tasks)], 0, tasks)
    found = compare(of_a, of_b)
    assert found.tasks_needed == tasks_needed(differences(0, 4, 20))
    assert f"to see this difference, about {found.tasks_needed} tasks are needed" in read(found)
    assert compare(of_a, of_a).tasks_needed is None
