from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.analysis import arm_pass_at_k, measure, pass_at_k, tabulate
from banchu.core import Arm, ConfigError, EpisodeRecord

Make = Callable[..., EpisodeRecord]


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
@settings(deadline=None)
def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_sample(case: tuple[int, int, int]) -> None:
    n, correct, k = case
    draws = list(combinations([True] * correct + [False] * (n - correct), k))
    assert pass_at_k(n, correct, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_pass_at_k_of_the_paper_s_size_does_not_overflow() -> None:
    assert pass_at_k(200, 10, 1) == pytest.approx(0.05)
    assert 0 < pass_at_k(10_000, 3, 5000) < 1


@pytest.mark.parametrize(("n", "correct", "k"), [(3, 1, 4), (3, 1, 0), (3, 4, 1), (3, -1, 1), (0, 0, 1)])
def test_values_that_make_no_sense_are_refused(n: int, correct: int, k: int) -> None:
    with pytest.raises(ConfigError):
        pass_at_k(n, correct, k)


def test_arm_none_gives_every_attempt_as_a_sample(episode: Make) -> None:
    records = [episode("a", "none", "x.."), episode("b", "none", "..."), episode("c", "none", ".", failed=True)]
    table = tabulate(records, Arm.parse("none"), rounds=2, task_ids=["a", "b", "c", "missing"])
    assert arm_pass_at_k(Arm.parse("none"), table, 1).estimate == pytest.approx(1 / 3 / 4)
    assert arm_pass_at_k(Arm.parse("none"), table, 3).estimate == pytest.approx(1 / 4)
    with pytest.raises(ConfigError, match=r"pass@4 of arm none .* the run has 3"):
        arm_pass_at_k(Arm.parse("none"), table, 4)


@pytest.mark.parametrize("name", ["intrinsic", "none+stop=same"])
def test_other_arms_give_their_first_attempts(episode: Make, name: str) -> None:
    arm = Arm.parse(name)
    records = [episode("a", name, ".xx", repeat=0), episode("a", name, "xxx", repeat=1)]
    table = tabulate(records, arm, rounds=2, task_ids=["a"])
    assert arm_pass_at_k(arm, table, 1).estimate == 0.5
    with pytest.raises(ConfigError, match="use more --repeats"):
        arm_pass_at_k(arm, table, 3)


def test_where_a_budget_ended_an_episode_only_first_attempts_are_samples(episode: Make) -> None:
    arm = Arm.parse("none")
    records = [episode("a", "none", ".."), episode("b", "none", "xx."), episode("c", "none", "x")]
    whole = tabulate(records[:2], arm, rounds=2, task_ids=["a", "b"])
    assert arm_pass_at_k(arm, whole, 3).tasks == 2
    cut = tabulate([*records[:2], replace(records[2], stopped_by="budget")], arm, rounds=2, task_ids=["a", "b", "c"])
    assert arm_pass_at_k(arm, cut, 1).estimate == pytest.approx(2 / 3)
    with pytest.raises(ConfigError, match="the run has 1"):
        arm_pass_at_k(arm, cut, 2)
    assert measure(arm, 2, by_budget=True) == "last of k<=3 attempts"


def test_an_unjudged_sample_is_no_sample(episode: Make) -> None:
    arm = Arm.parse("none")
    table = tabulate([episode("a", "none", "x?"), episode("b", "none", "..")], arm, rounds=1, task_ids=["a", "b"])
    one, two = arm_pass_at_k(arm, table, 1), arm_pass_at_k(arm, table, 2)
    assert (one.estimate, one.tasks, one.tasks_left_out) == (0.5, 2, 0)
    assert (two.estimate, two.tasks, two.tasks_left_out) == (0.0, 1, 1)
    empty = tabulate([], arm, rounds=0, task_ids=[])
    assert arm_pass_at_k(arm, empty, 1).estimate is None


@pytest.mark.parametrize(
    "name", ["oracle_stop", "oracle_trace", "oracle_verdict+stop=rounds", "none+stop=oracle", "intrinsic+stop=oracle"]
)
def test_no_figure_of_an_oracle_arm_is_pass_at_anything(name: str) -> None:
    arm = Arm.parse(name)
    with pytest.raises(ConfigError, match=r"uses the oracle.*not pass@k.*`none`"):
        arm_pass_at_k(arm, tabulate([], arm, rounds=2, task_ids=["t"]), 1)
    for rounds in (0, 2):
        assert "pass@" not in measure(arm, rounds)


def test_what_figures_are_called() -> None:
    assert measure(Arm.parse("none"), 2) == "pass@1"
    assert measure(Arm.parse("intrinsic"), 0) == "pass@1"
    assert measure(Arm.parse("intrinsic"), 2) == "last of k<=3 attempts"
    assert measure(Arm.parse("oracle_stop"), 2) == "oracle-stopped, k<=3 attempts"
    assert measure(Arm.parse("oracle_trace+stop=rounds"), 1) == "oracle content shown, last of k<=2 attempts"
