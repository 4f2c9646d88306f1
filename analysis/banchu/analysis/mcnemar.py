"""Exact paired tests: McNemar's, and the sign-flip test clustered by task, which is McNemar's when repeats = 1.

Pairs of the same task over repeats are not independent, and McNemar's test on them would count one lucky task several
times. The sign-flip test takes the task as its unit: if the two arms do not differ, exchanging their labels within a
task changes nothing, so each task's sum of differences is as likely as its negative. All 2^tasks exchanges are counted
exactly (no sampling). With one pair a task the sums are +1, 0, -1, and the count is McNemar's binomial.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb


def mcnemar_exact(a_only: int, b_only: int) -> float:
    """Exact two-sided p from the discordant pairs; 1.0 without any.

    Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions"; exact form:
    Fagerland et al. 2013, section "exact conditional test".
    """
    n, fewer = a_only + b_only, min(a_only, b_only)
    # Integers until the one division: no underflow, however many pairs.
    return min(1.0, 2 * sum(comb(n, i) for i in range(fewer + 1)) / (1 << n))


def sign_flip_exact(differences: Iterable[int]) -> float:
    """Exact two-sided p that |sum of ±d| is at least as large as observed, over all signs; 1.0 without a difference.

    Args:
        differences: one number a task, the sum over its pairs of +1 (only b solved), -1 (only a solved) or 0.

    Source: Fisher 1935, "The Design of Experiments", section 21 (randomisation of paired differences).
    """
    observed = list(differences)
    sizes = [abs(d) for d in observed if d]
    # A signed sum S is 2X - total, where X sums the sizes that got a plus: P(|S| >= s) = 2 P(X <= (total - s) / 2).
    most = (sum(sizes) - abs(sum(observed))) // 2
    ones = sizes.count(1)
    ways = [comb(ones, x) for x in range(most + 1)]
    for size in (s for s in sizes if s > 1):
        for x in range(most, size - 1, -1):
            ways[x] += ways[x - size]
    return min(1.0, 2 * sum(ways) / (1 << len(sizes)))
