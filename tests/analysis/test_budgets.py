from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from banchu.analysis import ArmData, compare, correct, read
from banchu.analysis.budgets import answer_at
from banchu.analysis.reading import budget_caveats
from banchu.core import Arm, CallRecord, EpisodeRecord
from banchu.core.episode import Choice

Make = Callable[..., EpisodeRecord]
NONE, INTRINSIC, GATED = Arm.parse("none"), Arm.parse("intrinsic"), Arm.parse("none+gate=self_tests")


def call(role: str, round_: int, tokens: int) -> CallRecord:
    return CallRecord(role, round_, tokens, 0, "stop", 0, 0.1)  # type: ignore[arg-type]


def with_calls(episode: EpisodeRecord, *calls: CallRecord) -> EpisodeRecord:
    return replace(episode, calls=calls)


@given(
    marks=st.text("x.?", min_size=1, max_size=6),
    costs=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    amount=st.integers(0, 60),
)
def test_samples_are_cut_where_the_budget_ends(episode: Make, marks: str, costs: list[int], amount: int) -> None:
    """Brute force: walk on while the next sample can still be paid; the first is always made."""
    made = with_calls(episode("t", "none", marks), *(call("actor", i, costs[i]) for i in range(len(marks))))
    last = 0
    while last + 1 < len(marks) and sum(costs[: last + 2]) <= amount:
        last += 1
    outcome, short = answer_at(made, "tokens", amount)
    assert outcome is {"x": True, ".": False, "?": None}[marks[last]]
    total = sum(costs[: len(marks)])
    assert short == (total + total / len(marks) <= amount)
    for budget in ("calls", "programs"):
        outcome, _ = answer_at(made, budget, amount)
        assert outcome is {"x": True, ".": False, "?": None}[marks[max(0, min(amount, len(marks)) - 1)]]


def test_what_comes_after_an_attempt_is_not_spent_before_it(episode: Make) -> None:
    """A test writer's calls of a round are; a critic's and a reflector's are the price of the next attempt."""
    calls = [call("actor", 0, 10), call("tester", 0, 7), call("critic", 0, 5), call("reflector", 0, 3)]
    made = with_calls(episode("t", "placebo", ".x"), *calls, call("actor", 1, 10))
    assert [answer_at(made, "tokens", amount)[0] for amount in (17, 34, 35)] == [False, False, True]
    assert [answer_at(made, "calls", amount)[0] for amount in (0, 2, 4, 5)] == [False, False, False, True]
    assert [answer_at(made, "programs", amount)[0] for amount in (0, 1, 2, 3)] == [False, False, True, True]


def test_a_budget_is_short_where_another_attempt_of_average_cost_was_due(episode: Make) -> None:
    made = with_calls(episode("t", GATED.name, "."), call("actor", 0, 10), call("tester", 0, 7), call("critic", 0, 99))
    assert [answer_at(made, "tokens", amount)[1] for amount in (0, 17, 33, 34)] == [False, False, False, True]
    assert [answer_at(made, "calls", amount)[1] for amount in (2, 3, 4)] == [False, False, True]


def test_a_gate_answers_what_it_accepted_first(episode: Make) -> None:
    made = replace(episode("t", GATED.name, ".x.."), accepts=(False, True, None, True))
    assert [answer_at(made, "programs", amount)[0] for amount in (1, 2, 3, 4)] == [False, True, True, True]
    stopped = replace(episode("t", GATED.name, ".x"), accepts=(False, True), stopped_by="accepted")
    assert answer_at(stopped, "programs", 9) == (True, False)  # it had an answer, and so was not short


def test_an_error_leaves_no_answer_beyond_its_last_attempt(episode: Make) -> None:
    broken = episode("t", "none", "xx", failed=True)
    assert answer_at(broken, "programs", 1) == (True, False)
    assert answer_at(broken, "programs", 2) == (True, False)
    assert answer_at(broken, "programs", 3) == (False, False)
    assert answer_at(episode("t", "none", "", failed=True), "calls", 3) == (False, False)


ROWS = st.tuples(st.text("x.", min_size=3, max_size=3), st.text("x.", min_size=1, max_size=3))


@given(rows=st.lists(ROWS, max_size=12))
@settings(deadline=None, max_examples=40)
def test_equal_programs_is_mcnemar_on_the_attempts_that_both_made(episode: Make, rows: list[tuple[str, str]]) -> None:
    """Against scipy. The arm stops early here and there; the control is cut at the same attempt."""
    tasks = [f"t{i}" for i in range(len(rows))]
    control = ArmData(NONE, [episode(t, "none", row[0]) for t, row in zip(tasks, rows, strict=True)], 2, tasks)
    arm = ArmData(INTRINSIC, [episode(t, "intrinsic", row[1]) for t, row in zip(tasks, rows, strict=True)], 2, tasks)
    found = compare(control, arm)
    assert found.control
    programs = found.budgets[1]
    pairs = [(row[0][len(row[1]) - 1], row[1][-1]) for row in rows]
    gained, lost = pairs.count((".", "x")), pairs.count(("x", "."))
    assert (programs.pairs, programs.solved_arm - programs.solved_control) == (len(rows), gained - lost)
    if not rows:
        assert programs.p is programs.difference is found.p_control is None
        return
    assert programs.p == pytest.approx(binomtest(gained, gained + lost).pvalue if gained + lost else 1.0)
    claims = [(found.p, found.b_only - found.a_only)]
    claims += [(each.p, each.solved_arm - each.solved_control) for each in found.budgets]
    assert found.p_control == max(p if gain > 0 and p is not None else 1.0 for p, gain in claims)


def pair(make: Make, control: list[str], arm: list[str], *, critic: bool = False) -> tuple[ArmData, ArmData]:
    tasks = [str(i) for i in range(len(control))]
    of_arm = [make(t, "intrinsic", marks) for t, marks in zip(tasks, arm, strict=True)]
    if critic:
        of_arm = [replace(e, calls=(*e.calls, call("critic", 0, 15), call("critic", 1, 15))) for e in of_arm]
    of_control = [make(t, "none", marks) for t, marks in zip(tasks, control, strict=True)]
    rounds = len(control[0]) - 1
    return ArmData(NONE, of_control, rounds, tasks), ArmData(INTRINSIC, of_arm, rounds, tasks)


def test_the_reading_says_beats_only_where_every_budget_says_so(episode: Make) -> None:
    won = compare(*pair(episode, ["..."] * 12, ["..x"] * 10 + ["..."] * 2))
    assert won.beats_control
    assert "`intrinsic` beats its control `none`, at equal calls, programs and tokens: 10 vs 0" in read(won)
    # The arm is ahead of the last sample and not of the first: it stopped at once, and the control went on and broke.
    early = compare(*pair(episode, ["x.."] * 12, ["x"] * 12))
    assert early.p is not None
    assert early.p < 0.001
    assert not early.beats_control
    text = read(early)
    assert "does not show that it beats its control `none`: it solved more in as many rounds" in text
    assert "but not at equal calls (12 vs 12, p = 1.00), programs (12 vs 12, p = 1.00)" in text
    assert "beats its control" not in text.replace("does not show that it beats its control", "")
    lost = compare(*pair(episode, ["..x"] * 12, ["..."] * 12))
    assert lost.p_control == 1.0
    assert "`intrinsic` solved fewer than its control `none`" in read(lost)


def test_holm_over_the_controls_may_take_a_win_away(episode: Make) -> None:
    """Seven of seven is p = 0.016: enough for one control, too little among four."""
    won = compare(*pair(episode, ["..."] * 7, ["..x"] * 7))
    assert won.beats_control
    four = correct([won] * 4)
    assert four[0].p_control_holm == pytest.approx(4 * 2 / 2**7)
    assert not four[0].beats_control
    assert "beats its control" not in read(four[0]).replace("does not show that it beats its control", "")


def test_a_control_that_ended_too_early_is_named(episode: Make) -> None:
    found = compare(*pair(episode, ["..."] * 3, ["..x"] * 3, critic=True))
    assert [each.short for each in found.budgets] == [3, 0, 3]
    (line,) = budget_caveats(found)
    assert line.startswith("none ended before it had spent as much as intrinsic: calls in 3 of 3 pairs, tokens in 3")
    assert "its samples are independent" in line


def test_a_budget_that_could_not_be_matched_is_not_claimed(episode: Make) -> None:
    tasks = [str(i) for i in range(12)]
    placebo = Arm.parse("placebo")
    asked = ArmData(placebo, [episode(t, "placebo", "..") for t in tasks], 1, tasks)
    critiques = (call("critic", 0, 15), call("critic", 1, 15))
    arm = [episode(t, "intrinsic", ".x") for t in tasks]
    found_arm = ArmData(INTRINSIC, [replace(e, calls=(*e.calls, *critiques)) for e in arm], 1, tasks)
    found = compare(asked, found_arm)
    assert (found.ahead_of_control, found.unmatched, found.beats_control) == (True, ("calls", "tokens"), False)
    assert "does not show that it beats its control `placebo`: it solved more" in read(found)
    assert "the control was ended too early to spend as many calls and tokens" in read(found)
    assert "such as none+gate=self_tests+rounds=40, lets it go on" in budget_caveats(found)[0]
    spent = replace(asked, episodes=[replace(e, stopped_by="budget") for e in asked.episodes])
    ended = compare(spent, found_arm)
    assert [each.short_by_budget for each in ended.budgets] == [each.short for each in found.budgets] == [12, 0, 12]
    assert not ended.beats_control
    assert budget_caveats(ended)[0].endswith("; a larger budget of each episode lets it go on")


def test_what_is_no_control_has_no_budgets(episode: Make) -> None:
    control, arm = pair(episode, ["."], ["x"])
    # Of another run it may be another model's.
    across = compare(replace(control, run="r1"), replace(arm, run="r2"))
    assert (across.control, across.budgets) == (False, ())
    assert compare(replace(control, run="r1"), replace(arm, run="r1")).control
    turned = compare(arm, control)
    assert (turned.control, turned.budgets, turned.p_control, turned.beats_control) == (False, (), None, False)


def test_a_control_that_chooses_answers_with_its_choice_at_the_budget(episode: Make) -> None:
    choices = tuple(Choice(round_, None, at) for round_, at in enumerate((0, 1, 1, 3)))
    record = replace(episode("t", "none+choose=majority", ".x.x"), choices=choices)
    assert [answer_at(record, "programs", amount)[0] for amount in (1, 2, 3, 4)] == [False, True, True, True]


def test_a_control_with_more_rounds_is_compared_in_as_many_and_spends_more_at_equal_budgets(episode: Make) -> None:
    tasks = [str(i) for i in range(8)]
    votes = Arm.parse("none+choose=majority+rounds=3")
    of_votes = [
        replace(episode(t, votes.name, "..xx"), choices=tuple(Choice(r, None, r) for r in range(4))) for t in tasks
    ]
    critiques = (call("critic", 0, 15), call("critic", 1, 15))
    arm = [episode(t, "intrinsic", ".x") for t in tasks]
    found = compare(
        ArmData(votes, of_votes, 3, tasks),
        ArmData(INTRINSIC, [replace(e, calls=(*e.calls, *critiques)) for e in arm], 1, tasks),
    )
    assert (found.control, found.rounds_a, found.solved_a, found.tokens_a) == (True, 1, 0, 8 * 30)
    assert {each.budget: each.solved_control for each in found.budgets} == {"calls": 8, "programs": 0, "tokens": 8}
    assert not found.unmatched
    assert not found.beats_control
