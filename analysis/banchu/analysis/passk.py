"""pass@k: how likely one of k independent samples is right. Never for an oracle arm."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import comb, fsum

from banchu.analysis.intervals import Interval, wilson_of_mean
from banchu.analysis.outcomes import OutcomeTable
from banchu.core.arm import Arm
from banchu.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PassAtK:
    """The mean over tasks of the unbiased estimate."""

    k: int
    estimate: float | None
    """None when no task has k judged samples."""
    tasks: int
    """Tasks averaged over."""
    tasks_left_out: int
    """Tasks with fewer than k judged samples, because some are unjudged."""
    interval: Interval | None
    """Of the estimate, over tasks."""


def pass_at_k(n: int, correct: int, k: int) -> float:
    """1 - C(n - correct, k) / C(n, k): the chance that k of n samples, drawn without replacement, hold a right one.

    Raises:
        ConfigError: not 1 <= k <= n, or not 0 <= correct <= n.

    Source: Chen et al. 2021 (arXiv 2107.03374), equation 1.
    """
    if not 1 <= k <= n:
        raise ConfigError(
            f"pass@{k} needs 1 <= k <= samples a task, and there are {n}; use more --repeats or a smaller k"
        )
    if not 0 <= correct <= n:
        raise ConfigError(f"pass@{k}: correct={correct} is not between 0 and n={n}")
    return 1 - comb(n - correct, k) / comb(n, k)


def arm_pass_at_k(arm: Arm, table: OutcomeTable, k: int) -> PassAtK:
    """pass@k of an arm. A sample lost to an error or never run counts as wrong; an unjudged one is not a sample.

    Arm `none` gives every attempt of every repeat; other arms give their first attempts, which nothing has influenced.

    Raises:
        ConfigError: the arm uses the oracle, or fewer than k samples a task were planned.
    """
    planned = samples_per_task(arm, table)
    if not 1 <= k <= planned:
        raise ConfigError(
            f"pass@{k} of arm {arm.name} needs 1 <= k <= samples a task, and the run has {planned}; "
            f"use more --repeats or a smaller k"
        )
    rounds = table.rounds + 1 if _every_round_is_a_sample(arm, ended_by_budget(table)) else 1
    counts = dict.fromkeys(table.task_ids, (0, 0))
    for (task_id, _), row in table.outcomes.items():
        for outcome in row[:rounds]:
            if outcome is not None:
                n, correct = counts[task_id]
                counts[task_id] = (n + 1, correct + outcome)
    return mean_pass_at_k(counts.values(), k)


def mean_pass_at_k(counts: Collection[tuple[int, int]], k: int) -> PassAtK:
    """pass@k over tasks, from (judged samples, right ones) of each. Tasks with fewer than k are left out."""
    estimates = [pass_at_k(n, correct, k) for n, correct in counts if n >= k]
    return PassAtK(
        k=k,
        estimate=fsum(estimates) / len(estimates) if estimates else None,
        tasks=len(estimates),
        tasks_left_out=len(counts) - len(estimates),
        interval=wilson_of_mean(estimates, units=sum(n for n, _ in counts if n >= k)),
    )


def samples_per_task(arm: Arm, table: OutcomeTable) -> int:
    """How many independent samples of each task the run planned. Raises ConfigError for an oracle arm."""
    if arm.uses_oracle:
        raise ConfigError(
            f"arm {arm.name} uses the oracle: its figure is {measure(arm, table.rounds)!r}, not pass@k; "
            f"take pass@k from arm `none`"
        )
    return table.repeats * (table.rounds + 1 if _every_round_is_a_sample(arm, ended_by_budget(table)) else 1)


def measure(arm: Arm, rounds: int, *, by_budget: bool = False) -> str:
    """What the accuracy of an arm's last attempt is called. Only independent samples are pass@1.

    Args:
        by_budget: whether a budget ended some of its episodes.
    """
    attempts = rounds + 1
    if arm.oracle_stops:
        return f"oracle-stopped, k<={attempts} attempts"
    if arm.oracle_content:
        return f"oracle content shown, last of k<={attempts} attempts"
    if arm.oracle_tool:
        return f"oracle tool, last of k<={attempts} attempts"
    if _every_round_is_a_sample(arm, by_budget) or attempts == 1:
        return "pass@1"
    if arm.chooses:
        return f"answer chosen among k<={attempts} attempts"
    return f"last of k<={attempts} attempts"


def ended_by_budget(table: OutcomeTable) -> bool:
    """Whether the episodes' own budget ended one of them."""
    return any(episode.stopped_by == "budget" for episode in table.episodes.values())


def _every_round_is_a_sample(arm: Arm, by_budget: bool) -> bool:
    # With stop=same, or where a budget ended an episode, the number of samples depends on the samples themselves: only
    # the first is a fair draw.
    # Where the answer is chosen, a round's outcome is that of a choice.
    return arm.source == "none" and arm.stop == "rounds" and not arm.chooses and not by_budget
