"""Power: how many tasks a paired comparison needs before its exact test would see a given difference.

Planning, not proof: the figure takes the rates found for the true ones, and says nothing about whether they are.

Sources: exact, averaged over the number of discordant pairs: Duffy 1984, "Asymptotic and exact power for the McNemar
test and its analogue with R controls per case", Biometrics 40:1005-1015. Asymptotic: Connor 1987, "Sample size for
testing differences in proportions for the paired-sample design", Biometrics 43:207-211.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from math import ceil, fsum, isclose, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALPHA = 0.05
"""A p below it is called a difference, in a plan and in a reading."""
POWER = 0.8
_EXACT_UP_TO = 1000
"""Expected discordant pairs. Beyond, the steps of the exact test are small and the asymptotic number is as good."""
_SCAN_UP_TO = 2000
"""Tasks. The exact power rises in saw teeth, so a short search looks at every number; a long one bisects."""


def mcnemar_power(tasks: int, a_only: float, b_only: float, *, alpha: float = ALPHA) -> float:
    """The chance that the exact two-sided McNemar test has p < alpha.

    Args:
        tasks: pairs, one a task.
        a_only: the true share of tasks that only a solves, 0 to 1; likewise b_only. Together at most 1.
    """
    if tasks < 1 or a_only + b_only <= 0:
        return 0.0
    discordant, share = _rates(a_only, b_only)
    return float(_chances(tasks, discordant, tasks + 1) @ _conditional_power(share, tasks + 1, alpha))


def tasks_needed(differences: Collection[tuple[int, int]], *, alpha: float = ALPHA, power: float = POWER) -> int | None:
    """Tasks at which the test would see a difference as large as found; None where none was found.

    Exact with one pair a task. With repeats: the asymptotic number for the sums by task, which is Connor's formula
    where each sum is +1, 0 or -1; as many repeats as there are now are taken for granted.

    Args:
        differences: for each task (sum of +1, 0, -1 over its pairs, number of its pairs).
        power: the chance wanted, below 1.
    """
    sums = [total for total, pairs in differences if pairs]
    n, mean = len(sums), fsum(sums) / len(sums) if sums else 0.0
    if not mean:
        return None
    square = fsum(total * total for total in sums) / n
    about = _asymptotic(mean, square, alpha, power)
    if all(pairs <= 1 for _, pairs in differences) and about * square <= _EXACT_UP_TO:
        return _exact(sum(s < 0 for s in sums) / n, sum(s > 0 for s in sums) / n, about, alpha, power)
    return max(about, _least_that_differ(alpha))


def _asymptotic(mean: float, square: float, alpha: float, power: float) -> int:
    from statistics import NormalDist

    normal = NormalDist()
    spread = sqrt(max(0.0, square - mean * mean))
    root = normal.inv_cdf(1 - alpha / 2) * sqrt(square) + normal.inv_cdf(power) * spread
    return ceil((root / mean) ** 2)


def _exact(a_only: float, b_only: float, about: int, alpha: float, power: float) -> int:
    discordant, share = _rates(a_only, b_only)

    def enough(tasks: int) -> bool:
        size = min(tasks, int(tasks * discordant + 8 * sqrt(tasks * discordant)) + 8) + 1
        return float(_chances(tasks, discordant, size) @ _conditional_power(share, size, alpha)) >= power

    low = about // 2  # the exact test needs more than the asymptotic one, by less than its double where it matters
    if about <= _SCAN_UP_TO:
        while not enough(low):
            low += 1
        return low
    high = 2 * about
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _rates(a_only: float, b_only: float) -> tuple[float, float]:
    """The rate of discordant pairs, and the share of the more frequent kind: the test does not care which that is."""
    discordant = a_only + b_only
    return 1.0 if isclose(discordant, 1) else discordant, max(a_only, b_only) / discordant


def _chances(tasks: int, rate: float, size: int) -> NDArray[np.float64]:
    """Binomial chances of 0 .. size - 1 among `tasks`."""
    import numpy as np

    chances = np.zeros(size)
    if rate >= 1:
        chances[tasks:] = 1.0
    else:
        k = np.arange(size)
        logs = _log_factorials(tasks + 1)
        choose = logs[tasks] - logs[k] - logs[tasks - k]
        chances[:] = np.exp(choose + k * np.log(rate) + (tasks - k) * np.log1p(-rate))
    return chances


def _conditional_power(share: float, size: int, alpha: float) -> NDArray[np.float64]:
    """For each number of discordant pairs 0 .. size - 1: the chance that the test rejects."""
    # Sizes in steps, so that a search that grows by one task at a time builds the table a few times only.
    return _table(share, -(-size // 128) * 128, alpha)[:size]


@lru_cache(maxsize=32)
def _table(share: float, size: int, alpha: float) -> NDArray[np.float64]:
    import numpy as np

    found = np.zeros(size)
    for pairs in range(1, size):
        tail = np.cumsum(_chances(pairs, 0.5, pairs + 1))
        rejected = int(np.searchsorted(2 * tail, alpha))  # p < alpha with 0 .. rejected - 1 of the rarer kind
        if rejected:
            chances = _chances(pairs, share, pairs + 1)
            found[pairs] = chances[:rejected].sum() + chances[pairs + 1 - rejected :].sum()
    return found


@lru_cache(maxsize=8)
def _log_factorials(size: int) -> NDArray[np.float64]:
    import numpy as np

    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size)))])


def _least_that_differ(alpha: float) -> int:
    """The fewest tasks that differ with which any exact test can get below alpha: 2 / 2^n < alpha."""
    least = 1
    while 2 / 2**least >= alpha:
        least += 1
    return least
