from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.analysis import mcnemar_exact, sign_flip_exact


@given(st.integers(0, 200), st.integers(0, 200))
@settings(deadline=None)
def test_mcnemar_equals_scipy_and_statsmodels(a_only: int, b_only: int) -> None:
    from scipy.stats import binomtest
    from statsmodels.stats.contingency_tables import mcnemar

    ours = mcnemar_exact(a_only, b_only)
    if a_only + b_only == 0:
        assert ours == 1.0
        return
    assert ours == pytest.approx(binomtest(a_only, a_only + b_only).pvalue, rel=1e-9)
    assert ours == pytest.approx(mcnemar([[50, a_only], [b_only, 9]], exact=True).pvalue, rel=1e-9)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
@settings(deadline=None)
def test_with_one_pair_a_task_sign_flips_are_mcnemar(a_only: int, b_only: int, equal: int) -> None:
    assert sign_flip_exact([-1] * a_only + [1] * b_only + [0] * equal) == mcnemar_exact(a_only, b_only)


@given(st.lists(st.integers(-5, 5), max_size=9))
@settings(deadline=None)
def test_sign_flips_equal_brute_force(differences: list[int]) -> None:
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    expected = sum(abs(total) >= abs(sum(differences)) for total in sums) / len(sums)
    assert sign_flip_exact(differences) == pytest.approx(expected, rel=1e-12)


def test_sign_flips_equal_scipy() -> None:
    import numpy as np
    from scipy.stats import permutation_test

    differences = [3, -1, 2, 2, 0, 1, -2, 3, 1, 1, 2]
    theirs = permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_exact(differences) == pytest.approx(theirs.pvalue, rel=1e-12)


def test_the_ends() -> None:
    assert sign_flip_exact([]) == sign_flip_exact([0, 0]) == sign_flip_exact([4]) == mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(0, 6) == 2 / 2**6
    # Thousands of pairs: no overflow, and what is too small for a float is 0, not an error.
    assert mcnemar_exact(0, 5000) == 0.0
    assert mcnemar_exact(2500, 2500) == 1.0


def test_repeats_of_one_task_are_not_counted_as_tasks() -> None:
    # One task won in all ten repeats is one observation. McNemar on pairs would call it p = 0.002.
    assert mcnemar_exact(0, 10) < 0.01
    assert sign_flip_exact([10]) == 1.0
