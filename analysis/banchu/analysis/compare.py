"""One arm against another, of one run or of two, on what they share: paired by (task, repeat), tested by task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from banchu.analysis.budgets import AtBudget, at_budgets
from banchu.analysis.intervals import Interval, paired_interval
from banchu.analysis.mcnemar import sign_flip_exact
from banchu.analysis.outcomes import OutcomeTable, Unit, tabulate
from banchu.analysis.power import ALPHA, tasks_needed
from banchu.core.arm import Arm
from banchu.core.controls import controls_of, is_control, same_arm
from banchu.core.episode import EpisodeRecord

ALL_PAIRS_UP_TO = 4
"""With more arms each is compared with its controls only."""


_INDEPENDENT = Arm.parse("none").claims


@dataclass(frozen=True, slots=True)
class ArmData:
    """One arm of one run, as `compare` takes it."""

    arm: Arm
    episodes: Sequence[EpisodeRecord]
    """Those of other arms are left out."""
    rounds: int
    task_ids: Sequence[str]
    """The planned tasks."""
    repeats: int | None = None
    """None: as many as the records show."""
    run: str = ""
    """Written before the arm's name where runs are compared."""

    @property
    def label(self) -> str:
        return f"{self.run}:{self.arm.name}" if self.run else self.arm.name

    def table(self) -> OutcomeTable:
        name = self.arm.name
        return tabulate(
            [episode for episode in self.episodes if episode.arm == name],
            self.arm,
            rounds=self.rounds,
            task_ids=self.task_ids,
            repeats=self.repeats,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """b against a, each at the last attempt of its last round. Without a pair, every figure is None."""

    a: str
    b: str
    claims_a: str
    claims_b: str
    oracle_a: bool
    oracle_b: bool
    rounds_a: int
    rounds_b: int
    tasks: int
    """Tasks with at least one pair."""
    pairs: int
    """(task, repeat) units run in both arms and judged in both: the denominator of every figure here."""
    solved_a: int
    solved_b: int
    accuracy_a: float | None
    accuracy_b: float | None
    difference: float | None
    """accuracy_b - accuracy_a."""
    interval: Interval | None
    """Of the difference, by task."""
    a_only: int
    """Discordant pairs that only a solved."""
    b_only: int
    tasks_that_differ: int
    """Tasks whose pairs do not cancel: what the test has to go on. No p-value is below 2 / 2^tasks_that_differ."""
    p: float | None
    """Exact, two-sided: McNemar's with one repeat, its extension to clusters (sign flips by task) with more."""
    p_holm: float | None
    """p after Holm's correction over `comparisons`."""
    comparisons: int
    tasks_needed: int | None
    """Tasks at which the test would see this difference 4 times of 5, were the rates found the true ones; None where
    no difference was found. Says what to plan for, not whether the difference is there."""
    control: bool
    """Whether a is a control of b, in the same run: another run may have another model. Only then are there budgets,
    and only then can b beat its control."""
    budgets: tuple[AtBudget, ...]
    """b against a with a stopped where b's calls, programs and tokens are spent, task by task."""
    p_control: float | None
    """Of "b beats its control": the largest p of the comparison and its budgets, 1 where one is not in b's favour. As
    the claim is all of them together, no correction is due among them (Berger 1982, intersection-union test)."""
    p_control_holm: float | None
    """p_control after Holm's correction over the comparisons with controls."""
    tokens_a: int
    """Prompt and completion tokens of the pairs, all roles."""
    tokens_b: int
    unjudged: int
    """Units run in both and left out because one side is unjudged."""
    missing_a: tuple[Unit, ...]
    """Units that b has and a was to have, but did not run."""
    missing_b: tuple[Unit, ...]
    tasks_only_a: tuple[str, ...]
    """Tasks that the other run never planned."""
    tasks_only_b: tuple[str, ...]

    @property
    def beats_control(self) -> bool:
        """Whether b solved more than its control at every budget, every corrected test says so, and the control could
        spend as much."""
        return self.ahead_of_control and not self.unmatched

    @property
    def ahead_of_control(self) -> bool:
        """As `beats_control`, for what the control did spend."""
        both = (self.p_holm, self.p_control_holm)
        return self.control and all(p is not None and p < ALPHA for p in both)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Budgets that the control ended before it could spend. Of independent samples the last of more is expected to
        be as good as the last of these, so none is."""
        if self.claims_a == _INDEPENDENT:
            return ()
        return tuple(each.budget for each in self.budgets if each.short)


def compare(a: ArmData, b: ArmData) -> Comparison:
    """b against a over the tasks and repeats that both planned.

    An episode that a model error ended is a failure of its arm; a unit that was never run in one of them is left out
    of the pairs and listed as missing.

    Raises:
        DataError: an episode is recorded twice.
    """
    control = a.run == b.run and is_control(a.arm, b.arm)
    # A control may have more rounds, to spend as much as b: they count at equal budgets only.
    table_a, table_b = (replace(a, rounds=min(a.rounds, b.rounds)) if control else a).table(), b.table()
    shared = set(table_a.outcomes) & set(table_b.outcomes)
    units = [unit for unit in table_a.units if unit in shared]
    both = [unit for unit in units if unit in table_a.episodes and unit in table_b.episodes]
    paired = {
        unit: (before, after)
        for unit in both
        if (before := table_a.outcomes[unit][-1]) is not None and (after := table_b.outcomes[unit][-1]) is not None
    }
    by_task: dict[str, tuple[int, int]] = {}
    for (task_id, _), (before, after) in paired.items():
        total, count = by_task.get(task_id, (0, 0))
        by_task[task_id] = (total + after - before, count + 1)
    n = len(paired)
    solved_a, solved_b = (sum(pair[side] for pair in paired.values()) for side in (0, 1))
    p = sign_flip_exact(total for total, _ in by_task.values()) if n else None
    budgets = at_budgets(table_a, table_b, both) if control else ()
    p_control = _p_control(p, solved_b - solved_a, budgets) if control else None
    return Comparison(
        a=a.label,
        b=b.label,
        claims_a=a.arm.claims,
        claims_b=b.arm.claims,
        oracle_a=a.arm.uses_oracle,
        oracle_b=b.arm.uses_oracle,
        rounds_a=table_a.rounds,
        rounds_b=b.rounds,
        tasks=len(by_task),
        pairs=n,
        solved_a=solved_a,
        solved_b=solved_b,
        accuracy_a=solved_a / n if n else None,
        accuracy_b=solved_b / n if n else None,
        difference=(solved_b - solved_a) / n if n else None,
        interval=paired_interval(by_task.values()),
        a_only=sum(before > after for before, after in paired.values()),
        b_only=sum(after > before for before, after in paired.values()),
        tasks_that_differ=sum(total != 0 for total, _ in by_task.values()),
        p=p,
        p_holm=p,
        comparisons=1,
        tasks_needed=tasks_needed(by_task.values()),
        control=control,
        budgets=budgets,
        p_control=p_control,
        p_control_holm=p_control,
        tokens_a=_tokens(table_a, paired),
        tokens_b=_tokens(table_b, paired),
        unjudged=len(both) - n,
        missing_a=tuple(unit for unit in units if unit not in table_a.episodes and unit in table_b.episodes),
        missing_b=tuple(unit for unit in units if unit not in table_b.episodes and unit in table_a.episodes),
        tasks_only_a=_without(table_a.task_ids, table_b.task_ids),
        tasks_only_b=_without(table_b.task_ids, table_a.task_ids),
    )


def control_first(a: ArmData, b: ArmData) -> tuple[ArmData, ArmData]:
    """The two in the order in which `compare` takes them where one is a control of the other."""
    return (b, a) if is_control(b.arm, a.arm) else (a, b)


def planned_pairs(arms: Sequence[ArmData]) -> list[tuple[ArmData, ArmData]]:
    """The pairs of one run to compare, in the order (a, b): of few arms all, of many each with its controls.

    An arm without a control in the run is compared with the first one. Holm's price grows with every pair.
    """
    if len(arms) <= ALL_PAIRS_UP_TO:
        return [control_first(a, b) for a, b in combinations(arms, 2)]
    pairs: list[tuple[ArmData, ArmData]] = []
    for arm in arms:
        controls = [other for wanted in controls_of(arm.arm) for other in arms if same_arm(other.arm, wanted)]
        pairs += [(control, arm) for control in controls or arms[:1] if control is not arm]
    return [(a, b) for index, (a, b) in enumerate(pairs) if (b, a) not in pairs[:index]]


def _p_control(p: float | None, gain: int, budgets: Sequence[AtBudget]) -> float | None:
    found = [(p, gain), *((each.p, each.solved_arm - each.solved_control) for each in budgets)]
    values = [value if more > 0 else 1.0 for value, more in found if value is not None]
    return max(values) if len(values) == len(found) else None


def _tokens(table: OutcomeTable, units: Iterable[Unit]) -> int:
    return sum(
        call.prompt_tokens + call.completion_tokens
        for unit in units
        for call in table.episodes[unit].calls
        if call.round <= table.rounds
    )


def _without(task_ids: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    left = frozenset(others)
    return tuple(task_id for task_id in task_ids if task_id not in left)
