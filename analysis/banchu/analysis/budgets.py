"""An arm against its control at equal budgets: calls, programs, tokens; each task's own.

The control is stopped where it has spent what the arm spent on the same (task, repeat): critiques, reflections and
test writing count. What it answers there is its last attempt, the one that it had chosen by then, or the first that its
gate accepted. Nothing is run
again: where the control ended before it could spend as much, its last answer stands and the unit is counted as short.

Source: Olausson et al. 2024 (arXiv 2306.09896), section 3: programs as the budget, and tokens in appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from banchu.analysis.intervals import Interval, paired_interval
from banchu.analysis.mcnemar import sign_flip_exact
from banchu.analysis.outcomes import Outcome, OutcomeTable, Unit
from banchu.core.episode import CallRecord, EpisodeRecord

BudgetName = Literal["calls", "programs", "tokens"]
BUDGETS: tuple[BudgetName, ...] = ("calls", "programs", "tokens")

Spent: TypeAlias = Callable[[Sequence[CallRecord], int], int]
"""What these calls, with so many attempts among them, cost in one currency."""

_SPENT: dict[BudgetName, Spent] = {
    "calls": lambda calls, attempts: len(calls),
    "programs": lambda calls, attempts: attempts,
    "tokens": lambda calls, attempts: sum(call.prompt_tokens + call.completion_tokens for call in calls),
}
_BEFORE_THE_CHOICE = ("actor", "tester")
"""Roles whose calls of a round are spent by the time that this round's attempt can be the answer."""


@dataclass(frozen=True, slots=True)
class AtBudget:
    """b against its control a, with a stopped at b's spend. Without a pair every figure is None."""

    budget: BudgetName
    pairs: int
    """Units run in both and judged in both at that point."""
    solved_control: int
    solved_arm: int
    difference: float | None
    """The arm's accuracy minus the control's."""
    interval: Interval | None
    p: float | None
    """Exact and two-sided, by task."""
    short: int
    """Pairs in which the control was not run long enough to spend as much: another attempt would have been due."""
    short_by_budget: int
    """Of those, the ones in which the episode's own budget ended it, and not its rounds."""


def at_budgets(control: OutcomeTable, arm: OutcomeTable, units: Iterable[Unit]) -> tuple[AtBudget, ...]:
    """The comparison at each of the three budgets, over units that were run in both."""
    both = list(units)
    return tuple(_at_budget(name, control, arm, both) for name in BUDGETS)


def answer_at(episode: EpisodeRecord, budget: BudgetName, amount: int) -> tuple[Outcome, bool]:
    """What an episode would have answered had it ended when `amount` was spent, and whether it was short.

    The first attempt is always made, whatever it costs. An episode that a model error ended answers nothing where the
    budget reaches beyond its last attempt.
    """
    attempts = sorted(episode.attempts, key=lambda judged: judged.attempt.round)
    if not attempts:
        return False, False
    spent = [_spent_by(episode, index, judged.attempt.round, budget) for index, judged in enumerate(attempts)]
    affordable = max(1, sum(cost <= amount for cost in spent))
    due = spent[-1] + spent[-1] / len(attempts) <= amount  # another attempt of average cost
    if affordable == len(attempts) and due and episode.status == "failed":
        return False, False
    answers = attempts[:affordable]
    accepted = [judged for judged in answers if _accepts(episode, judged.attempt.round)]
    chosen = [episode.answers[affordable - 1]] if episode.choices else []
    verdict = (chosen or accepted or answers[-1:])[0].verdict
    # A budget of its own ended it for what the next call might have cost, not for what it would have.
    short = due and episode.stopped_by in ("rounds", "budget")
    return None if verdict is None else verdict.passed, short


def _at_budget(name: BudgetName, control: OutcomeTable, arm: OutcomeTable, units: list[Unit]) -> AtBudget:
    by_task: dict[str, tuple[int, int]] = {}
    solved_control = solved_arm = short = by_budget = 0
    for unit in units:
        theirs = arm.episodes[unit]
        right = arm.outcomes[unit][-1]
        plain, lacks = answer_at(control.episodes[unit], name, _SPENT[name](theirs.calls, len(theirs.attempts)))
        if right is None or plain is None:
            continue
        solved_control, solved_arm, short = solved_control + plain, solved_arm + right, short + lacks
        by_budget += lacks and control.episodes[unit].stopped_by == "budget"
        total, pairs = by_task.get(unit[0], (0, 0))
        by_task[unit[0]] = (total + right - plain, pairs + 1)
    n = sum(pairs for _, pairs in by_task.values())
    return AtBudget(
        budget=name,
        pairs=n,
        solved_control=solved_control,
        solved_arm=solved_arm,
        difference=(solved_arm - solved_control) / n if n else None,
        interval=paired_interval(by_task.values()),
        p=sign_flip_exact(total for total, _ in by_task.values()) if n else None,
        short=short,
        short_by_budget=by_budget,
    )


def _spent_by(episode: EpisodeRecord, index: int, round_: int, budget: BudgetName) -> int:
    calls = [c for c in episode.calls if c.round < round_ or (c.round == round_ and c.role in _BEFORE_THE_CHOICE)]
    return _SPENT[budget](calls, index + 1)


def _accepts(episode: EpisodeRecord, round_: int) -> bool:
    return round_ < len(episode.accepts) and episode.accepts[round_] is True
