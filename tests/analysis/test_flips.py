from __future__ import annotations

from collections.abc import Callable

import pytest

from banchu.analysis import count_flips, tabulate
from banchu.core import Arm, EpisodeRecord

Make = Callable[..., EpisodeRecord]
INTRINSIC = Arm.parse("intrinsic")


def test_flips_by_hand_with_both_denominators(episode: Make) -> None:
    rows = ["xx", "xx", "xx", "x.", ".x", ".x", "..", "..", "..", "..", "x?"]
    records = [episode(str(i), "intrinsic", marks) for i, marks in enumerate(rows)]
    flips = count_flips(tabulate(records, INTRINSIC, rounds=1, task_ids=[str(i) for i in range(11)]), 0, 1)
    assert (flips.correct_correct, flips.correct_incorrect) == (3, 1)
    assert (flips.incorrect_correct, flips.incorrect_incorrect) == (2, 4)
    assert (flips.n, flips.unjudged) == (10, 1)
    assert flips.delta == pytest.approx(0.1)
    assert (flips.ic_of_all, flips.ci_of_all) == (0.2, 0.1)
    assert flips.ic_of_incorrect == pytest.approx(2 / 6)
    assert flips.ci_of_correct == pytest.approx(1 / 4)


def test_the_published_rates_of_score_come_back(episode: Make) -> None:
    # Kumar et al. 2024, table 2, MATH500, base model: 52.6 -> 41.4, i→c 4.6, c→i 15.8.
    counts = {"xx": 526 - 158, "x.": 158, ".x": 46, "..": 1000 - 526 - 46}
    marks = [mark for mark, count in counts.items() for _ in range(count)]
    records = [episode(str(i), "intrinsic", m) for i, m in enumerate(marks)]
    flips = count_flips(tabulate(records, INTRINSIC, rounds=1, task_ids=[str(i) for i in range(1000)]), 0, 1)
    assert flips.delta == pytest.approx(-0.112)
    assert (flips.ic_of_all, flips.ci_of_all) == (0.046, 0.158)


def test_no_data_is_none(episode: Make) -> None:
    flips = count_flips(tabulate([], INTRINSIC, rounds=1, task_ids=[]), 0, 1)
    assert flips.n == 0
    assert flips.delta is flips.ic_of_all is flips.ci_of_all is flips.ic_of_incorrect is flips.ci_of_correct is None
    one = count_flips(tabulate([episode("t", "intrinsic", "xx")], INTRINSIC, rounds=1, task_ids=["t"]), 0, 1)
    assert one.ic_of_incorrect is None
    assert one.ci_of_correct == 0


def test_a_right_answer_lost_to_a_model_error_is_named(episode: Make) -> None:
    records = [episode("a", "intrinsic", "x", failed=True), episode("b", "intrinsic", "x.")]
    table = tabulate(records, INTRINSIC, rounds=2, task_ids=["a", "b"])
    flips = count_flips(table, 0, 2)
    assert (flips.correct_incorrect, flips.lost_to_error) == (2, 1)
    assert count_flips(table, 1, 2).lost_to_error == 0
