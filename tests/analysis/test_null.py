from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.analysis.null import guess_null, mean_guess_null
from banchu.core.errors import ConfigError


@pytest.mark.parametrize("answers", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("rounds", [0, 1, 2, 7])
def test_the_null_is_every_order_of_guessing_counted(answers: int, rounds: int) -> None:
    """The right answer is 0. A guesser tries all answers in some order; the oracle stops it when it hits."""
    orders = list(permutations(range(answers)))
    found = [sum(0 in order[: round_ + 1] for order in orders) / len(orders) for round_ in range(rounds + 1)]
    assert guess_null(1 / answers, answers, rounds) == pytest.approx(found)
    wrong_first = [order for order in orders if order[0]]
    after = [sum(0 in order[: round_ + 1] for order in wrong_first) / len(wrong_first) for round_ in range(rounds + 1)]
    assert guess_null(0.0, answers, rounds) == pytest.approx(after)


def test_the_published_case() -> None:
    """CommonSenseQA, GPT-3.5: 75.8 at first; a guesser under the oracle reaches 87.9 in two rounds."""
    assert guess_null(0.758, 5, 2) == pytest.approx((0.758, 0.8185, 0.879))


@given(units=st.lists(st.tuples(st.booleans(), st.integers(2, 6)), max_size=8), rounds=st.integers(0, 8))
def test_a_run_is_the_mean_of_its_units_and_ends_at_1(units: list[tuple[bool, int]], rounds: int) -> None:
    found = mean_guess_null(units, rounds)
    if not units:
        assert found is None
        return
    assert found is not None
    for round_, value in enumerate(found):
        chances = [1.0 if right else min(1.0, round_ / (answers - 1)) for right, answers in units]
        assert value == pytest.approx(sum(chances) / len(units))
    assert list(found) == sorted(found)
    if rounds >= 5:
        assert found[-1] == 1


@pytest.mark.parametrize(("first", "answers", "rounds"), [(0.5, 1, 1), (0.5, 4, -1), (1.5, 4, 1)])
def test_values_that_mean_nothing_are_refused(first: float, answers: int, rounds: int) -> None:
    with pytest.raises(ConfigError):
        guess_null(first, answers, rounds)
