from __future__ import annotations

from collections.abc import Callable

import pytest

from banchu.analysis import ArmData, Interval, caveats, compare, correct, mcnemar_exact, read
from banchu.core import Arm, EpisodeRecord

Make = Callable[..., EpisodeRecord]
NONE, INTRINSIC = Arm.parse("none"), Arm.parse("intrinsic")


@pytest.fixture
def arm_data(episode: Make) -> Callable[..., ArmData]:
    def make(
        arm: Arm, marks: dict[str, str], *, run: str = "", rounds: int = 1, planned: tuple[str, ...] = ()
    ) -> ArmData:
        records = [episode(task, arm.name, m) for task, m in marks.items()]
        return ArmData(arm, records, rounds, planned or tuple(marks), run=run)

    return make


def test_only_the_last_attempts_of_shared_units_are_paired(arm_data: Callable[..., ArmData]) -> None:
    a = arm_data(NONE, {"1": "x.", "2": ".x", "3": "xx", "4": "..", "5": ".?", "only_a": "xx"}, run="r1")
    b = arm_data(
        INTRINSIC,
        {"2": "..", "3": ".x", "4": ".x", "5": "xx", "only_b": ".."},
        run="r2",
        planned=("1", "2", "3", "4", "5", "only_b"),
    )
    c = compare(a, b)
    assert (c.a, c.b) == ("r1:none", "r2:intrinsic")
    assert (c.tasks, c.pairs, c.solved_a, c.solved_b, c.a_only, c.b_only) == (3, 3, 2, 2, 1, 1)
    assert c.accuracy_a == pytest.approx(2 / 3)
    assert c.difference == 0
    assert c.p == mcnemar_exact(1, 1)
    assert c.unjudged == 1
    assert c.missing_b == (("1", 0),)
    assert c.missing_a == ()
    assert (c.tasks_only_a, c.tasks_only_b) == (("only_a",), ("only_b",))
    assert (c.tokens_a, c.tokens_b) == (90, 90)
    text = "\n".join(caveats(c))
    for part in ("r2:intrinsic: 1 episode not run, left out: 1", "only r1:none has 1 task: only_a", "1 pair left out"):
        assert part in text


def test_no_shared_task_gives_no_figure(arm_data: Callable[..., ArmData]) -> None:
    c = compare(arm_data(NONE, {"1": "xx"}), arm_data(INTRINSIC, {"2": "xx"}))
    assert c.pairs == c.tasks == 0
    assert [c.accuracy_a, c.accuracy_b, c.difference, c.interval, c.p, c.p_holm] == [None] * 6
    assert "nothing to compare" in read(c)


def test_one_task_gives_a_difference_and_an_interval_that_says_nothing(arm_data: Callable[..., ArmData]) -> None:
    c = compare(arm_data(NONE, {"1": ".."}), arm_data(INTRINSIC, {"1": ".x"}))
    assert (c.difference, c.interval, c.p) == (1.0, Interval(-1.0, 1.0), 1.0)


def test_the_interval_has_the_sign_of_the_difference(arm_data: Callable[..., ArmData]) -> None:
    tasks = [str(i) for i in range(20)]
    c = compare(
        arm_data(NONE, dict.fromkeys(tasks, ".")), arm_data(INTRINSIC, {t: "x" if int(t) < 9 else "." for t in tasks})
    )
    assert c.interval is not None
    assert 0 < c.interval.low < 0.45 < c.interval.high < 1
    assert c.difference == 0.45


def test_an_episode_lost_to_a_model_error_stays_in_the_pairs(episode: Make) -> None:
    a = ArmData(NONE, [episode("1", "none", "x")], 1, ["1"])
    b = ArmData(INTRINSIC, [episode("1", "intrinsic", "x", failed=True)], 1, ["1"])
    c = compare(a, b)
    assert (c.pairs, c.solved_a, c.solved_b) == (1, 1, 0)


def test_repeats_are_paired_by_number_and_tested_by_task(episode: Make) -> None:
    a = ArmData(NONE, [episode(t, "none", ".", repeat=r) for t in "12" for r in range(5)], 0, ["1", "2"])
    b = ArmData(INTRINSIC, [episode(t, "intrinsic", "x", repeat=r) for t in "12" for r in range(4)], 0, ["1", "2"])
    c = compare(a, b)
    assert (c.tasks, c.pairs, c.b_only, c.tasks_that_differ) == (2, 8, 8, 2)
    assert c.p == 0.5


def test_unequal_budgets_are_named(arm_data: Callable[..., ArmData]) -> None:
    c = compare(arm_data(NONE, {"1": "x"}, rounds=0), arm_data(INTRINSIC, {"1": "x"}, rounds=2))
    assert "unequal budgets: up to 1 attempts in none, 3 in intrinsic" in "\n".join(caveats(c))


def test_readings(arm_data: Callable[..., ArmData]) -> None:
    tasks = [str(i) for i in range(12)]
    a = arm_data(NONE, dict.fromkeys(tasks, ".."))
    few = arm_data(INTRINSIC, {t: ".x" if int(t) < 2 else ".." for t in tasks})
    sentence = read(compare(a, few))
    assert sentence == (
        "`intrinsic` does not show that it beats its control `none`: no difference can be seen: 2 vs 0 of 12 solved, "
        "p = 0.50; to see this difference, about 46 tasks are needed; they differ on 2 tasks, and fewer than 6 can "
        "never show anything."
    )
    many = arm_data(Arm.parse("oracle_trace"), {t: "x" if int(t) < 9 else ".." for t in tasks})
    sentence = read(compare(a, many))
    assert sentence.startswith(
        "`oracle_trace` solved more than `none`: 9 vs 0 of 12 solved, p = 0.004; to see this difference, about "
        "9 tasks are needed; `none` used 1.6 times"
    )
    assert (
        "`oracle_trace` had help from the sealed tests (oracle content and stop), which is not self-correction"
        in sentence
    )
    assert "solved fewer" in read(compare(many, a))
    both = correct([compare(a, many), compare(a, few), compare(a, arm_data(INTRINSIC, {"other": "x"}))])
    assert "p = 0.008 (Holm over 2)" in read(both[0])
    assert both[2].p_holm is None


def test_the_least_number_of_tasks_is_the_test_s_own() -> None:
    from banchu.analysis.power import ALPHA
    from banchu.analysis.reading import LEAST_TASKS

    assert mcnemar_exact(0, LEAST_TASKS) < ALPHA <= mcnemar_exact(0, LEAST_TASKS - 1)
