"""The sign of an oracle gate: how likely is a log in which so few right first attempts were sent on to be corrected?

A gate looks at the first attempt: it leaves it alone, or sends the task on to be corrected. A gate that knows the
sealed tests leaves exactly the right ones alone. One that does not turns some right programs away (rate `fn`) and lets
some wrong ones through (rate `fp`). With R right and W wrong first attempts, the right ones turned away are
Binomial(R, fn) and the wrong ones let through are Binomial(W, fp), and the two are independent.

Many logs keep no first attempt of the tasks that went on. How many of those were right is then open, and the chance
given is the greatest over all possibilities: an upper bound that needs no guess.

The rates are of programs. Reflexion's table 2 (Shinn et al. 2023, arXiv:2303.11366) divides the other way round, by
what the tests said (its "false positive" is P(wrong | tests pass)), and must not be put in here as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, fsum, inf, lgamma, log, log1p

from banchu.analysis.intervals import Interval, wilson

UNLIKELY = 0.01
"""At or below this chance a log does not fit the gate that it states."""


@dataclass(frozen=True, slots=True)
class GateCounts:
    """First attempts by what the log did with them and what the sealed tests say."""

    kept_right: int
    """Left alone, and right."""
    kept_wrong: int
    sent_right: int
    """Sent on, though right: the gate turned a right program away."""
    sent_wrong: int
    sent_unknown: int
    """Sent on, and the log does not hold the first attempt (or it is unjudged)."""

    @property
    def kept(self) -> int:
        return self.kept_right + self.kept_wrong

    @property
    def sent(self) -> int:
        return self.sent_right + self.sent_wrong + self.sent_unknown


@dataclass(frozen=True, slots=True)
class GateRates:
    """How often a gate errs."""

    fn: float
    """Share of right programs that it turns away, 0 to 1."""
    fp: float
    """Share of wrong programs that it lets through, 0 to 1."""


@dataclass(frozen=True, slots=True)
class MeasuredRates:
    """A gate's errors as counts: (errors, programs)."""

    fn: tuple[int, int]
    """Right first attempts that the tests turn away, of all right ones."""
    fp: tuple[int, int]
    """Wrong first attempts that the tests let through, of all wrong ones."""
    reference: tuple[int, int]
    """Reference solutions that the tests turn away, of all references."""

    @property
    def cautious(self) -> GateRates:
        """The ends of the 95 % intervals at which a clean log is the likeliest: the least fn and fp."""
        return GateRates(_low(*self.fn), _low(*self.fp))

    @property
    def intervals(self) -> tuple[Interval | None, Interval | None, Interval | None]:
        """95 %, of fn, fp and the reference's."""
        return wilson(*self.fn), wilson(*self.fp), wilson(*self.reference)


def count_gate(first_attempts: Iterable[tuple[bool, bool | None]]) -> GateCounts:
    """Counts from (whether the loop went on, outcome of the first attempt) of each task.

    An unjudged first attempt that was left alone is in no count.
    """
    counts = {(sent, outcome): 0 for sent in (True, False) for outcome in (True, False, None)}
    for key in first_attempts:
        counts[key] += 1
    return GateCounts(
        counts[False, True], counts[False, False], counts[True, True], counts[True, False], counts[True, None]
    )


def chance_of_gate(counts: GateCounts, rates: GateRates) -> float:
    """The chance that a gate with these rates errs as seldom as the log shows, in both ways at once.

    Exact; the greatest over what the log leaves open.
    """
    best = -inf
    for right in range(counts.sent_unknown + 1):
        sent_right = counts.sent_right + right
        wrong = counts.kept_wrong + counts.sent_wrong + counts.sent_unknown - right
        best = max(
            best,
            log_at_most(sent_right, counts.kept_right + sent_right, rates.fn)
            + log_at_most(counts.kept_wrong, wrong, rates.fp),
        )
    return exp(best)


def least_surprising_fn(counts: GateCounts, chance: float = UNLIKELY) -> float:
    """The share of right programs that a gate may turn away before a log like this has less than `chance`.

    Of `fn` alone: `fp` is taken as whatever suits the log best. 1.0 where no rate is too high.
    """
    low, high = 0.0, 1.0
    if chance_of_gate(counts, GateRates(high, 0.0)) >= chance:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if chance_of_gate(counts, GateRates(middle, 0.0)) >= chance:
            low = middle
        else:
            high = middle
    return low


def log_at_most(k: int, n: int, p: float) -> float:
    """Natural logarithm of P(X <= k) for X ~ Binomial(n, p); -inf for a chance of 0."""
    if k >= n or p <= 0:
        return 0.0
    if p >= 1 or k < 0:
        return -inf
    terms = [lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log1p(-p) for i in range(k + 1)]
    greatest = max(terms)
    return min(0.0, greatest + log(fsum(exp(term - greatest) for term in terms)))


def is_sign_of_an_oracle(counts: GateCounts) -> bool:
    """Whether the gate never erred where the log can show it: it left no wrong first attempt alone, and some right
    ones, and sent none on that is known to be right."""
    return counts.kept_right > 0 and counts.sent > 0 and counts.kept_wrong == 0 and counts.sent_right == 0


def _low(errors: int, of: int) -> float:
    interval = wilson(errors, of)
    return interval.low if interval else 0.0
