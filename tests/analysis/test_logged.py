"""Attempts from elsewhere in figures: what the log does not hold is in no average, and no denominator is silent."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from banchu.analysis.logged import Claimed, Logged, last_attempts, logged_table, rounds_of, to_json

IDS = ("T/1", "T/2", "T/3", "T/4")


def test_the_last_attempt_stands_and_an_unknown_first_one_is_no_failure() -> None:
    logged: list[Logged] = [
        ("T/1", 0, {0: True}),
        ("T/2", 0, {0: True, 1: False}),
        ("T/3", 0, {2: True}),
        ("elsewhere", 0, {0: True}),
    ]
    table = logged_table(logged, IDS)
    assert table.outcomes == {
        ("T/1", 0): (True, True, True),
        ("T/2", 0): (True, False, False),
        ("T/3", 0): (None, None, True),
    }
    first, second, third = rounds_of(table)
    assert [(each.solved, each.known) for each in (first, second, third)] == [(2, 2), (1, 2), (2, 3)]
    assert second.from_previous is not None
    assert (second.from_previous.correct_incorrect, second.from_previous.unjudged) == (1, 1)
    assert third.from_first is not None
    assert (third.from_first.n, third.from_first.correct_incorrect) == (2, 1)


def test_an_accuracy_over_the_benchmark_counts_what_is_missing() -> None:
    table = logged_table([("T/1", 0, {0: True}), ("T/2", 0, {0: False})], IDS)
    judged = last_attempts(table, IDS)
    assert (judged.solved, judged.judged, judged.over_log, judged.over_benchmark) == (1, 2, 0.5, 0.25)


def test_unjudged_attempts_leave_both_denominators() -> None:
    table = logged_table([("T/1", 0, {0: True}), ("T/2", 0, {0: None})], IDS)
    judged = last_attempts(table, IDS)
    assert (judged.unjudged, judged.over_log, judged.over_benchmark) == (1, 1.0, 1 / 3)


def test_repeats_of_a_task_count_as_one_task() -> None:
    logged: list[Logged] = [("T/1", n, {0: n > 0}) for n in range(4)]
    judged = last_attempts(logged_table(logged, IDS), IDS)
    assert (judged.solved, judged.judged, judged.over_log, judged.over_benchmark) == (3, 4, 0.75, 0.75 / 4)


def test_nothing_logged_gives_no_number() -> None:
    table = logged_table([("T/1", 0, {})], IDS)
    judged = last_attempts(table, IDS)
    assert rounds_of(table) == []
    assert (judged.over_log, judged.over_benchmark, judged.interval) == (None, None, None)
    json.dumps(to_json([], judged, Claimed(0, 0, 0, 4, None)))


OUTCOMES = st.dictionaries(st.integers(0, 3), st.sampled_from([True, False, None]), min_size=1)


@given(st.dictionaries(st.sampled_from(IDS), OUTCOMES))
def test_every_round_accounts_for_every_record(logged: dict[str, dict[int, bool | None]]) -> None:
    table = logged_table([(task, 0, outcomes) for task, outcomes in logged.items()], IDS)
    for each in rounds_of(table):
        assert 0 <= each.solved <= each.known <= len(logged)
        for flips in (each.from_previous, each.from_first):
            assert flips is None or flips.n + flips.unjudged == len(logged)
    final = rounds_of(table)
    if final:
        assert final[-1].solved == last_attempts(table, IDS).solved
