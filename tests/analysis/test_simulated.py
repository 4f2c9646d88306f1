"""A simulated model whose rates are known (perf/covering): what is reported of it is true, and covers as it says.

Every bound here is computed from the binomial distribution, none was tuned. perf/coverage.py is the same at length.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import sqrt

import pytest
from perf.covering import prediction, table, truth
from perf.covering.figures import figures, intervals_within
from perf.covering.law import EASE, Law, World
from perf.covering.records import simulate, task_ids
from perf.covering.trials import Coverage, Rejected, Setting, Tally, summary_of, tally, tally_all
from perf.covering.worlds import MIXED, WORLDS
from scipy.stats import binom

from banchu.analysis import RunSummary, mcnemar_exact
from banchu.analysis.flips import Flips
from banchu.core.arm import Arm

TASKS = 500
RUNS = 12
MIDWAY = (0.95 + 0.673) / 2
"""Between what an interval covers, and what it covers when it is half as wide."""
MANY = Setting("mixed", TASKS, 1)
RARELY = 1e-6
"""Chance of a false alarm of one check; there are a few hundred."""


@cache
def runs(setting: Setting, simulations: int) -> tuple[RunSummary, ...]:
    return tuple(summary_of(setting, seed) for seed in range(simulations))


def tallied(setting: Setting, simulations: int) -> Tally:
    found = Tally()
    if simulations > 2 * RUNS:  # too many to keep, and to work out what is not asked about
        for _, part in tally_all([setting], simulations, processes=1):
            found.add(part)
        return found
    for summary in runs(setting, simulations):
        found.count(summary, WORLDS[setting.world])
    return found


@pytest.mark.slow
def test_every_count_has_its_true_rate() -> None:
    """With one episode a task every count is binomial, and twelve runs are one of 6,000 tasks."""
    for index, arm in enumerate(MIXED.arms):
        walk = truth.walk(MIXED, arm)
        ones = [run.arms[index] for run in runs(MANY, RUNS)]
        for round_ in range(MIXED.rounds + 1):
            _fits(sum(one.accuracy[round_].solved for one in ones), TASKS * RUNS, walk.chance(round_, now=True))
        bounds = sum(one.any_attempt_upper_bound.solved for one in ones)
        _fits(bounds, TASKS * RUNS, walk.chance(MIXED.rounds, ever=True))
        flips = [one.flips for one in ones if one.flips]
        for first, last in ((True, True), (True, False), (False, True), (False, False)):
            share = walk.chance(MIXED.rounds, first=first, now=last)
            count = sum(_count(each, first, last) for each in flips)
            _fits(count, TASKS * RUNS, share)
            of = walk.chance(0, now=first)
            _fits(count, sum(_count(each, first, after) for each in flips for after in (True, False)), share / of)
        reached = sum(one.attempts_per_episode or 0 for one in ones) / RUNS
        assert reached == pytest.approx(sum(walk.attempts), abs=5 * MIXED.rounds / sqrt(TASKS * RUNS))


@pytest.mark.slow
def test_the_rates_of_a_gate_are_those_of_the_law() -> None:
    for index, (name, law) in enumerate(MIXED.laws.items()):
        gates = [gate for run in runs(MANY, RUNS) if (gate := run.arms[index].gate)]
        if law.false_accept is None or MIXED.arms[index].uses_oracle:
            assert not gates
            continue
        assert len(gates) == RUNS, name
        right, wrong = ([getattr(gate, f"accepted_of_{of}") for gate in gates] for of in ("right", "wrong"))
        _fits(sum(rate.count for rate in right), sum(rate.of for rate in right), 1 - law.false_reject)
        _fits(sum(rate.count for rate in wrong), sum(rate.of for rate in wrong), law.false_accept)


@pytest.mark.parametrize("world", WORLDS.values(), ids=lambda world: world.name)
def test_no_printed_interval_is_left_out(world: World) -> None:
    summary = summary_of(Setting(world.name, 60, 2), seed=1)
    printed = [figure for figure in figures(summary, world) if figure.interval is not None]
    assert len(printed) == intervals_within(summary), "an interval without a truth: add it to perf/covering/figures.py"
    assert len({(figure.kind, figure.of) for figure in printed}) == len(printed)
    assert all(0 <= abs(figure.truth) <= 1 for figure in printed)


@pytest.mark.parametrize(
    ("setting", "simulations"),
    [
        (MANY, RUNS),
        (Setting("parts", 60, 2), 12),
        pytest.param(Setting("mixed", TASKS, 2), 150, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
    ids=str,
)
def test_intervals_hold_the_truth_as_often_as_they_say(setting: Setting, simulations: int) -> None:
    found = tallied(setting, simulations)
    seldom = {
        key: (one.covered, one.printed)
        for key, one in found.coverage.items()
        if one.covered < binom.ppf(RARELY, one.printed, 0.95)
    }
    assert not seldom
    printed, covered = (sum(getattr(one, name) for one in found.coverage.values()) for name in ("printed", "covered"))
    assert covered / printed > MIDWAY
    assert all(one.printed == found.simulations for one in found.coverage.values())


def test_estimates_are_the_truth_on_average() -> None:
    """Twelve runs of 500 tasks; a t of 11 degrees of freedom is beyond 12 in one of ten million."""
    for key, one in tallied(MANY, RUNS).coverage.items():
        assert one.estimated == RUNS
        mean = one.off / RUNS
        error = sqrt(max(0.0, one.squares / RUNS - mean**2) / (RUNS - 1))
        assert abs(mean) <= 12 * error, (key, mean, error)


@pytest.mark.parametrize("world", ["mixed", "parts"])
def test_what_a_worker_leaves_out_changes_no_figure(world: str) -> None:
    setting = Setting(world, 20, 2)
    ((_, found),) = tally_all([setting], 6, processes=1)
    assert found == tally(setting, range(6))


def test_cells_that_do_not_hold_are_named() -> None:
    one = Coverage(0.1, printed=1000, covered=880, below=100, width=100.0, estimated=1000, off=10.0, squares=2.0)
    good = Coverage(0.1, printed=1000, covered=940, width=100.0, estimated=1000, off=0.5, squares=2.0)
    tally_ = Tally(1000, {("delta", "none"): one, ("delta", "placebo"): good}, {("change", "none"): Rejected(True, 80)})
    bad, fine, alarm = table.cells({Setting("null", 40, 1): tally_})
    assert (bad.wrong, fine.wrong, alarm.wrong) == (True, False, True)
    assert (bad.biased, fine.biased, alarm.biased) == (True, False, False)
    words = table.text([bad, fine, alarm], 1000)
    assert "1 of 2 estimates are OFF on average" in words
    assert "2 of 3 intervals and tests DO NOT HOLD" in words
    assert "coverage of delta, none (null, 40 tasks x 1): 88.0 % for 95.0 %" in words


def test_an_interval_that_is_too_narrow_would_be_seen() -> None:
    """Half as wide, an interval holds the truth in 67 %: each is below the bound in 150 runs, their mean in 12."""
    assert binom.ppf(RARELY, 150, 0.95) > binom.ppf(0.999, 150, 0.673)
    held = []
    for run in runs(MANY, RUNS):
        for figure in figures(run, WORLDS["mixed"]):
            if (within := figure.interval) is not None:
                quarter = (within.high - within.low) / 4
                held.append(within.low + quarter <= figure.truth <= within.high - quarter)
    assert sum(held) / len(held) < MIDWAY


@pytest.mark.slow
def test_false_alarms_are_no_more_than_promised() -> None:
    found = tallied(Setting("null", 60, 1), 24)
    often = {key: test.times for key, test in found.rejected.items() if test.times > binom.ppf(1 - RARELY, 24, 0.05)}
    assert not often
    assert all(test.null for test in found.rejected.values())


def test_the_power_predicted_is_the_power_found() -> None:
    found = tallied(MANY, RUNS)
    tests = [(key, test) for key, test in found.rejected.items() if not test.null]
    assert len(tests) >= 6
    for key, test in tests:
        power = prediction.power(MIXED, key, TASKS, 1)
        assert power is not None
        low, high = binom.interval(1 - RARELY, found.simulations, power)
        assert low <= test.times <= high, (key, test.times, power)


def test_the_predicted_power_is_that_of_a_brute_force() -> None:
    """Every number of pairs that a and b can have alone, of 12 tasks."""
    only_a, only_b, expected = 0.1, 0.5, 0.0
    for a in range(13):
        for b in range(13 - a):
            if mcnemar_exact(a, b) < 0.05:
                expected += binom.pmf(a, 12, only_a) * binom.pmf(b, 12 - a, only_b / (1 - only_a))
    world = World("two", 0.0, 0.0, {"none": Law(fix=only_a), "placebo": Law(fix=only_b)}, rounds=1)
    ((_, a_alone, b_alone), *_) = truth.paired(world, *world.arms)
    assert (a_alone, b_alone) == pytest.approx((only_a * (1 - only_b), only_b * (1 - only_a)))
    from banchu.analysis.power import mcnemar_power

    assert mcnemar_power(12, only_a, only_b) == pytest.approx(expected)


def test_the_chain_is_the_closed_form_where_there_is_one() -> None:
    world = World("plain", 0.4, 0.0, {"intrinsic": Law(fix=0.3, spoil=0.2, false_accept=0.5, false_reject=0.25)})
    walk = truth.walk(world, Arm.parse("intrinsic"))
    stay = 0.3 / 0.5  # where repairing and spoiling balance
    for round_ in range(3):
        assert walk.chance(round_, now=True) == pytest.approx(stay + (0.4 - stay) * 0.5**round_)
    assert walk.chance(2, ever=True) == pytest.approx(1 - 0.6 * 0.7**2)
    stopped = World("stopped", 0.4, 0.0, {"self_tests": Law(fix=0.3, spoil=0.2, false_accept=0.5, false_reject=0.25)})
    walk = truth.walk(stopped, Arm.parse("self_tests"))
    assert walk.attempts[1] == pytest.approx(0.4 * 0.25 + 0.6 * 0.5)
    assert walk.chance(1, now=True) == pytest.approx(0.4 * (0.75 + 0.25 * 0.8) + 0.6 * 0.5 * 0.3)
    assert truth.pass_at_k(world, 3) == pytest.approx(1 - 0.6**3)


def test_tasks_are_alike_on_average_and_differ() -> None:
    rates = MIXED.rates(Law(fix=0.2, spoil=0.1))
    assert sum(EASE.values()) == pytest.approx(1)
    for name, mean in (("first", MIXED.first), ("fix", 0.2), ("spoil", 0.1)):
        assert sum(rate.weight * getattr(rate, name) for rate in rates) == pytest.approx(mean)
        assert len({getattr(rate, name) for rate in rates}) == len(EASE)


def test_arms_share_their_first_attempt_and_repeats_their_task() -> None:
    records = simulate(MIXED, tasks=300, repeats=2, seed=5)
    first: dict[tuple[str, int], set[bool]] = {}
    for record in records:
        verdict = record.attempts[0].verdict
        assert verdict
        first.setdefault((record.task_id, record.repeat), set()).add(verdict.passed)
    assert all(len(found) == 1 for found in first.values())
    both = Counter((*first[task, 0], *first[task, 1]) for task in task_ids(300))
    agreed = both[True, True] + both[False, False]
    assert agreed > binom.ppf(0.99, 300, 0.4**2 + 0.6**2)  # more often than two attempts at tasks that are alike
    assert simulate(MIXED, tasks=300, repeats=2, seed=5) == records


def _count(flips: Flips, first: bool, last: bool) -> int:
    names = {True: "correct", False: "incorrect"}
    found: int = getattr(flips, f"{names[first]}_{names[last]}")
    return found


def _fits(count: int, n: int, rate: float) -> None:
    low, high = binom.interval(1 - RARELY, n, rate)
    assert low <= count <= high, (count, n, rate)
