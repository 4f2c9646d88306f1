"""The finite-answer null: what an oracle that stops gives to somebody who only guesses.

With k possible answers, a wrong first answer leaves k - 1. Whoever guesses among them without repetition while an
oracle says when to stop is right after r more guesses with chance r / (k - 1), and has corrected nothing. An
oracle-stopped figure on multiple choice means something only where it is above this.

Source: the random baseline of Huang et al. 2023 (arXiv 2310.01798, first version) on CommonSenseQA (k = 5).
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from banchu.core.errors import ConfigError


def guess_null(first: float, answers: int, rounds: int) -> tuple[float, ...]:
    """Accuracy by round 0..rounds of one task's guesser: first + (1 - first) r / (answers - 1), at most 1.

    Args:
        first: the chance that the first answer is right, 0 to 1; 1 / answers for a guesser from the start.
        answers: how many there are to choose from, at least 2.
        rounds: guesses after the first.

    Raises:
        ConfigError: a value out of its range.
    """
    if answers < 2:
        raise ConfigError(f"--answers {answers} is too small; guessing needs at least 2 to choose from")
    if rounds < 0:
        raise ConfigError(f"rounds={rounds} is too small; the least is 0")
    if not 0 <= first <= 1:
        raise ConfigError(f"first={first} is not a share between 0 and 1")
    wrong = answers - 1
    return tuple(float(first + (1 - first) * Fraction(min(round_, wrong), wrong)) for round_ in range(rounds + 1))


def mean_guess_null(first_answers: Collection[tuple[bool, int]], rounds: int) -> tuple[float, ...] | None:
    """The null of a whole run by round, from its own first answers: (right, answers to choose from) of each unit.

    None without a unit. Raises ConfigError as `guess_null`.
    """
    if not first_answers:
        return None
    by_unit = [guess_null(float(right), answers, rounds) for right, answers in first_answers]
    return tuple(sum(column) / len(by_unit) for column in zip(*by_unit, strict=True))
