"""The chance of a clean gate equals scipy's and a brute force; the bounds are bounds."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, exp, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.analysis.audit import (
    UNLIKELY,
    GateCounts,
    GateRates,
    MeasuredRates,
    chance_of_gate,
    count_gate,
    is_sign_of_an_oracle,
    least_surprising_fn,
    log_at_most,
)

SMALL = st.integers(0, 6)
RATE = st.floats(0, 1)
PUBLISHED = GateCounts(134, 0, 0, 0, 30)
"""First attempts of Reflexion's 91 % log (noahshinn/reflexion, blob fcd2f88a)."""


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 2**20))
def test_the_tail_is_the_exact_sum(k: int, n: int, of_a_million: int) -> None:
    """In whole numbers: scipy's is off by a tenth and more where the chance is below 1e-270."""
    yes, no = of_a_million, 2**20 - of_a_million
    exact = Fraction(sum(comb(n, i) * yes**i * no ** (n - i) for i in range(min(k, n) + 1)), 2 ** (20 * n))
    assert isclose(exp(log_at_most(k, n, yes / 2**20)), float(exact), rel_tol=1e-8, abs_tol=1e-300)


@given(SMALL, SMALL, SMALL, SMALL, RATE, RATE)
def test_the_chance_is_that_of_a_brute_force(kr: int, kw: int, sr: int, sw: int, fn: float, fp: float) -> None:
    """Every way in which a gate may treat every program, weighed."""
    right, wrong = kr + sr, kw + sw
    total = 0.0
    for turned in product((True, False), repeat=right):
        if sum(turned) <= sr:
            weight = fn ** sum(turned) * (1 - fn) ** (right - sum(turned))
            total += weight
    passed = 0.0
    for through in product((True, False), repeat=wrong):
        if sum(through) <= kw:
            passed += fp ** sum(through) * (1 - fp) ** (wrong - sum(through))
    assert chance_of_gate(GateCounts(kr, kw, sr, sw, 0), GateRates(fn, fp)) == pytest.approx(total * passed, abs=1e-12)


@given(SMALL, SMALL, SMALL, SMALL, SMALL, RATE, RATE)
def test_what_the_log_leaves_open_is_bounded_by_the_best_case(
    kr: int, kw: int, sr: int, sw: int, unknown: int, fn: float, fp: float
) -> None:
    rates = GateRates(fn, fp)
    bound = chance_of_gate(GateCounts(kr, kw, sr, sw, unknown), rates)
    cases = [chance_of_gate(GateCounts(kr, kw, sr + n, sw + unknown - n, 0), rates) for n in range(unknown + 1)]
    assert bound == pytest.approx(max(cases), abs=1e-12)
    assert 0 <= bound <= 1


def test_the_published_log_does_not_fit_a_gate_that_turns_away_two_of_five_right_programs() -> None:
    from scipy.stats import binom

    assert is_sign_of_an_oracle(PUBLISHED)
    chance = chance_of_gate(PUBLISHED, GateRates(0.40, 0.16))
    # Even if all 30 unlogged first attempts had been right, at most 30 of 164 were turned away.
    assert chance == pytest.approx(binom.cdf(30, 164, 0.40), rel=1e-9)
    assert chance < 1e-8
    greatest = least_surprising_fn(PUBLISHED)
    assert chance_of_gate(PUBLISHED, GateRates(greatest, 0)) == pytest.approx(UNLIKELY, rel=1e-6)
    assert 0.25 < greatest < 0.28


def test_logs_that_were_gated_by_their_own_tests_show_no_sign() -> None:
    own = GateCounts(107, 7, 24, 26, 0)
    assert not is_sign_of_an_oracle(own)
    assert not is_sign_of_an_oracle(GateCounts(107, 0, 1, 26, 0)), "a right one was turned away"
    assert not is_sign_of_an_oracle(GateCounts(107, 1, 0, 26, 0)), "a wrong one was let through"
    assert chance_of_gate(own, GateRates(0.2, 0.2)) > 0.05
    assert not is_sign_of_an_oracle(GateCounts(5, 0, 0, 0, 0)), "nothing was sent on: there is no gate to see"
    # All six may have been right, and a gate that turns nearly all away still leaves one alone now and then.
    assert least_surprising_fn(GateCounts(1, 0, 0, 0, 5)) == pytest.approx(0.99 ** (1 / 6))
    assert least_surprising_fn(GateCounts(0, 3, 2, 2, 0)) == 1.0


def test_no_first_attempt_is_counted_twice_or_guessed() -> None:
    attempts = [(False, True), (False, False), (True, True), (True, False), (True, None), (False, None)]
    assert count_gate(attempts) == GateCounts(1, 1, 1, 1, 1)
    assert count_gate([]) == GateCounts(0, 0, 0, 0, 0)
    assert chance_of_gate(GateCounts(0, 0, 0, 0, 0), GateRates(0.5, 0.5)) == 1.0


def test_measured_rates_are_taken_at_the_end_that_favours_the_log() -> None:
    measured = MeasuredRates((40, 100), (3, 20), (68, 164))
    assert 0.30 < measured.cautious.fn < 0.40
    assert 0.04 < measured.cautious.fp < 0.15
    assert MeasuredRates((0, 0), (0, 0), (0, 0)).cautious == GateRates(0.0, 0.0)
