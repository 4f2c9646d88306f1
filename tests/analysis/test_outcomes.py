from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from banchu.analysis import tabulate
from banchu.core import Arm, DataError, EpisodeRecord
from banchu.core.episode import Choice

NONE = Arm.parse("none")
Make = Callable[..., EpisodeRecord]


@pytest.mark.parametrize(
    ("marks", "failed", "row"),
    [
        (".x.", False, (False, True, False)),  # the last attempt counts, not the best
        (".x", False, (False, True, True)),  # stopped early: carried forward
        ("x", False, (True, True, True)),
        ("x?", False, (True, None, None)),  # unjudged is neither right nor wrong, and is carried too
        ("?x", False, (None, True, True)),
        ("-", False, (False, False, False)),
        ("", False, (False, False, False)),
        ("", True, (False, False, False)),
        ("x", True, (True, False, False)),  # a model error in round 1: what came before keeps its verdict
        ("?", True, (None, False, False)),
        ("..x", True, (False, False, True)),
    ],
)
def test_the_row_of_an_episode(episode: Make, marks: str, failed: bool, row: tuple[bool | None, ...]) -> None:
    table = tabulate([episode("t", "none", marks, failed=failed)], NONE, rounds=2, task_ids=["t"])
    assert table.outcomes == {("t", 0): row}
    assert table.failed == ((("t", 0),) if failed else ())


def test_every_planned_unit_has_a_row_and_no_other(episode: Make) -> None:
    records = [
        episode("b", "none", "x", repeat=1),
        episode("b", "intrinsic", "x"),
        episode("unplanned", "none", "x"),
        episode("b", "none", "x", repeat=7),
    ]
    table = tabulate(records, NONE, rounds=0, task_ids=["a", "b"], repeats=2)
    assert table.outcomes == {("a", 0): (False,), ("a", 1): (False,), ("b", 0): (False,), ("b", 1): (True,)}
    assert table.missing == (("a", 0), ("a", 1), ("b", 0))


def test_repeats_are_read_from_the_records_when_not_given(episode: Make) -> None:
    assert tabulate([episode("t", "none", "x", repeat=2)], NONE, rounds=0, task_ids=["t"]).repeats == 3
    assert tabulate([], NONE, rounds=0, task_ids=["t"]).repeats == 1


def test_any_attempt_is_the_best_one(episode: Make) -> None:
    marks = {"a": ".x.", "b": "...", "c": ".?.", "d": "?x.", "e": ""}
    records = [episode(task, "none", m) for task, m in marks.items()]
    table = tabulate(records, NONE, rounds=2, task_ids=[*marks, "missing"])
    assert [table.any_attempt[task, 0] for task in [*marks, "missing"]] == [True, False, None, True, False, False]


@pytest.mark.parametrize(
    ("chosen", "row"),
    [
        ((0, 0, 0), (False, False, False)),
        ((0, 1, 1), (False, True, True)),
        ((0, 1, 2), (False, True, False)),
        ((0, 1), (False, True, False)),  # the last round was not chosen of: the last attempt
    ],
)
def test_where_an_arm_chooses_the_choice_counts(episode: Make, chosen: tuple[int, ...], row: tuple[bool, ...]) -> None:
    choices = tuple(Choice(round_, None, at) for round_, at in enumerate(chosen))
    record = replace(episode("t", "none+choose=majority", ".x."), choices=choices)
    table = tabulate([record], Arm.parse("none+choose=majority"), rounds=2, task_ids=["t"])
    assert table.outcomes == {("t", 0): row}
    assert table.any_attempt == {("t", 0): True}


def test_an_episode_recorded_twice_is_an_error(episode: Make) -> None:
    records = [episode("t", "none", "x"), episode("t", "none", ".")]
    with pytest.raises(DataError, match=r"t, arm none, repeat 0 is in the ledger twice"):
        tabulate(records, NONE, rounds=0, task_ids=["t"])
