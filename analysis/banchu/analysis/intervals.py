"""Confidence intervals: Wilson's for a proportion, an adjusted Wald interval by task for a paired difference.

Repeats of one task are not independent, so the task is the unit, and what the sample size is measured in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from math import fsum, sqrt

LEVEL = 0.95
_PSEUDO = 3
"""Pairs added to a difference, half of them +1 and half -1. Bonett & Price add 2."""
_AGREEING = 2
"""Tasks added, one +1 and one -1 in all repeats, where it is measured how far the repeats of a task agree."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two-sided bounds, as fractions (not percent)."""

    low: float
    high: float
    level: float = LEVEL


def wilson(solved: float, n: float, level: float = LEVEL) -> Interval | None:
    """Wilson's score interval for solved / n; None for n = 0.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if n <= 0:
        return None
    from statistics import NormalDist

    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    p = solved / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # Rounding may leave 1e-17 where the bound is exactly 0 or 1.
    return Interval(0.0 if solved == 0 else centre - half, 1.0 if solved == n else centre + half, level)


def clustered_wilson(by_task: Collection[tuple[int, int]], level: float = LEVEL) -> Interval | None:
    """Wilson's interval for an accuracy over repeats, at the effective sample size.

    With one unit a task this is `wilson`. With more, n shrinks to p(1 - p) / v, v being the variance of the ratio
    between tasks, and never above the number of units. It is below the number of tasks only where tasks differ in how
    many units they have.

    Args:
        by_task: (solved, judged) units of each task; tasks with nothing judged are left out.

    Source: Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data" (effective size); Miller 2024, arXiv 2411.00640 (clustered errors for evaluations).
    """
    tasks = [(solved, judged) for solved, judged in by_task if judged]
    n, solved = sum(judged for _, judged in tasks), sum(solved for solved, _ in tasks)
    if n == len(tasks):
        return wilson(solved, n, level)
    p = solved / n
    spread = fsum((s - p * j) ** 2 for s, j in tasks)  # exact: the order of tasks must not show
    # No spread between tasks says nothing about the correlation within them: take the cautious end.
    effective: float = len(tasks)
    if spread > 0 and len(tasks) > 1:
        plain = p * (1 - p) * n**2 / spread  # never below the number of tasks where all have as many units
        effective = min(max(plain * (len(tasks) - 1) / len(tasks), min(plain, len(tasks))), n)
    return wilson(p * effective, effective, level)


def wilson_of_mean(values: Collection[float], units: int, level: float = LEVEL) -> Interval | None:
    """Wilson's interval for the mean of one value in [0, 1] a task, such as pass@k, at the effective sample size.

    Every task weighs the same however many samples it has, as pass@k averages; where all have the same number this is
    `clustered_wilson`. None for no task.

    Args:
        values: one of each task.
        units: samples behind them all, the most that the effective size can be.

    Source: as `clustered_wilson`.
    """
    tasks = len(values)
    if not tasks:
        return None
    p = fsum(values) / tasks
    spread = fsum((value - p) ** 2 for value in values)
    effective: float = tasks
    if spread > 1e-12:  # less is rounding: values of 200 samples a task differ by 1/200 at least
        effective = min(max(p * (1 - p) * tasks * (tasks - 1) / spread, tasks), units)
    return wilson(p * effective, effective, level)


def paired_interval(
    by_task: Collection[tuple[int, int]], *, level: float = LEVEL, furthest: int = 1
) -> Interval | None:
    """Interval of a paired difference in accuracy, by task: an adjusted Wald interval. None for no task.

    Bonett & Price add a pair that only a solved and one that only b solved, and take the Wald interval of that. Where
    nothing was seen to flip, the interval still has a width: what so few tasks could not show may be there. Here it is
    three pairs (one and a half of each) and Student's quantile with n + 1 degrees of freedom. Added up exactly over all
    tables of 10, 40 and 164 tasks with one pair each, for some 500 pairs of rates, it covers in 95.0, 94.5 and 94.5 %
    or more, theirs in 89.1, 93.1 and 93.8 %. It is 13, 5 and 2 % wider, and (checked to 300 tasks) leaves out 0
    wherever the exact McNemar p is below 0.05.

    With repeats it is that interval at the effective sample size: `tasks` where the repeats of a task agree, as many as
    there are pairs where they are independent. With few flips repeats seem to be worth more than they are, so two tasks
    that agree in all repeats are added for the estimate. Simulated with 4 and 10 repeats, in worlds made to be hard, it
    covers in 95.7 % or more; where flips are few, in 98 to 100 %.

    design.md asks for a bootstrap by task instead. It knows only the flips it saw: in the same worlds a percentile
    bootstrap covers in 66, 80 and 80 % at worst with one pair a task and in 84 to 88 % with repeats, and in 88 % at 40
    tasks where a model is right one time in ten. It is narrower where it is wrong. perf/coverage.py --rivals measures
    all this again.

    Args:
        by_task: for each task (sum of the differences +1, 0, -1 over its pairs, number of its pairs). Order is
            irrelevant to the result; exchanging a and b mirrors it.
        level: measured at 0.95 only. The estimate lies inside from 0.8 on.
        furthest: the largest difference that a pair can have; 2 for a difference of differences.

    Source: Bonett & Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data", J. Educ. Behav. Stat. 37:479-488; effective size as in `clustered_wilson`.
    """
    # Tasks of one kind are interchangeable, and there are few kinds.
    kinds = [(total, pairs, count) for (total, pairs), count in Counter(by_task).items() if pairs]
    if not kinds:
        return None
    tasks, all_pairs = sum(count for *_, count in kinds), sum(count * pairs for _, pairs, count in kinds)
    mean = sum(count * total for total, _, count in kinds) / all_pairs
    discordant = sum(count * abs(total) for total, _, count in kinds) / all_pairs
    size = tasks * _worth(kinds, tasks, all_pairs / tasks, mean, discordant)
    centre = mean * size / (size + _PSEUDO)
    variance = (discordant * size + _PSEUDO) / (size + _PSEUDO) - centre * centre
    half = _student(0.5 + level / 2, tasks + 1) * sqrt(variance / (size + _PSEUDO))
    return Interval(max(-float(furthest), centre - half), min(float(furthest), centre + half), level)


def _worth(kinds: Collection[tuple[int, int, int]], tasks: int, each: float, mean: float, discordant: float) -> float:
    """How many independent pairs the pairs of a task are worth: the variance of a pair over that of a task's mean.

    Pairs that cancel within a task cannot be seen in its sum, so the variance of a pair is a lower bound.
    """
    shrunk = mean * tasks / (tasks + _AGREEING)
    of_a_pair = (discordant * tasks + _AGREEING) / (tasks + _AGREEING) - shrunk * shrunk
    # Integers are added before anything is rounded: the order of tasks must not show.
    squares = sum(count * total * total for total, _, count in kinds)
    products = sum(count * total * pairs for total, pairs, count in kinds)
    sizes = sum(count * pairs * pairs for _, pairs, count in kinds)
    spread = squares - 2 * shrunk * products + shrunk * shrunk * sizes
    of_a_mean = (spread / each**2 + _AGREEING * (1 + shrunk * shrunk)) / (tasks + _AGREEING)
    return min(of_a_pair / of_a_mean, each)


def _student(p: float, freedom: int) -> float:
    """Quantile of Student's t, from the normal one: within 1 % at two degrees of freedom, 0.1 % from four on.

    Source: Cornish-Fisher expansion, Abramowitz & Stegun 1964, 26.7.5.
    """
    from statistics import NormalDist

    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(freedom) ** power for power, term in enumerate(terms, start=1))
