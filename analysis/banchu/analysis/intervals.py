"""Confidence intervals: Wilson's for a proportion, a paired bootstrap clustered by task for a difference.

Repeats of one task are not independent, so the task is what is resampled, and what the sample size is measured in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from math import fsum, sqrt

RESAMPLES = 10_000
LEVEL = 0.95


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
    between tasks, and never below the number of tasks nor above the number of units.

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
        variance = len(tasks) / (len(tasks) - 1) * spread / n**2
        effective = min(max(p * (1 - p) / variance, len(tasks)), n)
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


def bootstrap_difference(
    by_task: Collection[tuple[int, int]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval | None:
    """Percentile interval of a paired difference in accuracy, resampling whole tasks.

    None when the sample cannot show how tasks vary: fewer than two tasks, or the same difference in all of them. The
    bootstrap would answer with a width of zero there, which claims a certainty that nobody has.

    Args:
        by_task: for each task (sum of the differences +1, 0, -1 over its pairs, number of its pairs). Order is
            irrelevant to the result.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3; clusters: Davison & Hinkley 1997,
    section 3.8.
    """
    kinds = Counter((difference, pairs) for difference, pairs in by_task if pairs)
    if len({difference / pairs for difference, pairs in kinds}) < 2:
        return None
    import numpy as np

    # Tasks of one kind are interchangeable: drawing how many of each kind is the same as drawing tasks, and cheap.
    ordered = sorted(kinds)
    tasks = kinds.total()
    chances = np.array([kinds[kind] for kind in ordered]) / tasks
    draws = np.random.default_rng(seed).multinomial(tasks, chances, size=resamples)
    differences, pairs = np.array(ordered, dtype=np.int64).T
    estimates = (draws @ differences) / (draws @ pairs)
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
