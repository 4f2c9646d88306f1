"""Flips: what happened to right and wrong answers between two rounds.

Source: Kumar et al. 2024 (SCoRe, arXiv 2409.12917), section 3: Δ(t1, t2), Δ(i→c), Δ(c→i), each a fraction of *all*
problems. The paper's prose also quotes fractions of the first answers that were wrong or right; both are here, and the
field names say the denominator.
"""

from __future__ import annotations

from dataclasses import dataclass

from banchu.analysis.outcomes import OutcomeTable


@dataclass(frozen=True, slots=True)
class Flips:
    """The four-way table between two rounds, and the rates made from it. A rate over nothing is None."""

    from_round: int
    to_round: int
    n: int
    """Units judged at both rounds: the sum of the four counts."""
    unjudged: int
    """Units left out because they are unjudged at one of the two rounds."""
    correct_correct: int
    correct_incorrect: int
    incorrect_correct: int
    incorrect_incorrect: int
    lost_to_error: int
    """Those of correct_incorrect where a model error ended the episode: no new answer was given."""
    delta: float | None
    """Accuracy at to_round minus accuracy at from_round, over n: ic_of_all - ci_of_all."""
    ic_of_all: float | None
    """Δ(i→c): incorrect→correct, of all n."""
    ci_of_all: float | None
    """Δ(c→i): correct→incorrect, of all n."""
    ic_of_incorrect: float | None
    """incorrect→correct, of those incorrect at from_round: how often a wrong answer is repaired."""
    ci_of_correct: float | None
    """correct→incorrect, of those correct at from_round: how often a right answer is broken."""


def count_flips(table: OutcomeTable, from_round: int, to_round: int) -> Flips:
    """The flips of one arm between two rounds, 0..rounds each."""
    counts = {(before, after): 0 for before in (True, False) for after in (True, False)}
    unjudged = lost = 0
    for unit, row in table.outcomes.items():
        before, after = row[from_round], row[to_round]
        if before is None or after is None:
            unjudged += 1
            continue
        counts[before, after] += 1
        lost += before and not after and table.lost_to_error(unit, to_round)
    n = sum(counts.values())
    ic, ci = counts[False, True], counts[True, False]
    return Flips(
        from_round=from_round,
        to_round=to_round,
        n=n,
        unjudged=unjudged,
        correct_correct=counts[True, True],
        correct_incorrect=ci,
        incorrect_correct=ic,
        incorrect_incorrect=counts[False, False],
        lost_to_error=lost,
        delta=_rate(ic - ci, n),
        ic_of_all=_rate(ic, n),
        ci_of_all=_rate(ci, n),
        ic_of_incorrect=_rate(ic, ic + counts[False, False]),
        ci_of_correct=_rate(ci, ci + counts[True, True]),
    )


def _rate(count: int, of: int) -> float | None:
    return count / of if of else None
