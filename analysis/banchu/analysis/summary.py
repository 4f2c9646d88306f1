"""A whole run in figures: every arm, and the arms against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from banchu.analysis.arms import ArmSummary, summarise_arm
from banchu.analysis.compare import ArmData, Comparison, compare, planned_pairs
from banchu.analysis.multiplicity import holm
from banchu.analysis.oracle_parts import OracleParts, oracle_parts
from banchu.analysis.outcomes import count_repeats, tabulate
from banchu.analysis.reading import notes, read
from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What `summarise` returns. Holds no clock and no order of events: equal records give an equal summary."""

    rounds: int
    repeats: int
    tasks: int
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[Comparison, ...]
    oracle_parts: tuple[OracleParts, ...]
    """The two-by-two of each kind of oracle content in the run."""
    notes: tuple[str, ...]
    """Plain sentences that must stand beside the figures: floors, oracles, what is missing."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data. None stands for "no data"; there is no NaN."""
        document = asdict(self)
        for comparison, data in zip(self.comparisons, document["comparisons"], strict=True):
            data["beats_control"] = comparison.beats_control
            data["reading"] = read(comparison)
        return document


def summarise(
    episodes: Sequence[EpisodeRecord],
    *,
    arms: Sequence[Arm],
    rounds: int,
    task_ids: Sequence[str],
    repeats: int | None = None,
) -> RunSummary:
    """The figures of a run, finished or not.

    Args:
        episodes: from the ledger, in any order.
        arms: in the order to print; the first is the baseline that others are compared with.
        rounds: the last round, from 0, of arms without a number of their own.
        task_ids: the planned tasks; those without an episode count as not solved.
        repeats: planned repeats; None: as many as the records show.

    Raises:
        DataError: an episode is recorded twice.
    """
    repeats = count_repeats(episodes) if repeats is None else repeats
    of_arm: dict[str, list[EpisodeRecord]] = {arm.name: [] for arm in arms}
    for episode in episodes:
        of_arm.setdefault(episode.arm, []).append(episode)
    data = [ArmData(arm, of_arm[arm.name], arm.rounds_in(rounds), task_ids, repeats) for arm in arms]
    summaries = tuple(
        summarise_arm(
            arm,
            tabulate(of_arm[arm.name], arm, rounds=arm.rounds_in(rounds), task_ids=task_ids, repeats=repeats),
        )
        for arm in arms
    )
    pairs = planned_pairs(data)
    comparisons = correct([compare(a, b) for a, b in pairs])
    return RunSummary(
        rounds=rounds,
        repeats=repeats,
        tasks=len(dict.fromkeys(task_ids)),
        arms=summaries,
        comparisons=comparisons,
        oracle_parts=oracle_parts(data),
        notes=notes(summaries),
    )


def correct(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with Holm's correction over all of them that hold data, and over those with controls."""
    count = sum(comparison.p is not None for comparison in comparisons)
    corrected = holm([comparison.p for comparison in comparisons])
    controls = holm([comparison.p_control for comparison in comparisons])
    return tuple(
        replace(comparison, p_holm=p, comparisons=count, p_control_holm=p_control)
        for comparison, p, p_control in zip(comparisons, corrected, controls, strict=True)
    )
