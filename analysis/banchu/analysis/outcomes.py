"""Who was right when: per planned (task, repeat) of one arm, the outcome of its answer at each round.

The answer is the last attempt at or before the round, or, in an arm that chooses, the attempt that it had chosen then.

Three states and no fourth: True, False, None. None is an attempt that the judge could not judge; it leaves the averages
and is counted apart, never as 0. Everything else that is not a pass is False: an episode that was never run, and one
that a model error ended, from the first round it did not reach. What it answered before the error keeps its verdict,
so round 0 stays comparable between arms that share their first attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord, JudgedAttempt
from banchu.core.errors import DataError

Outcome: TypeAlias = bool | None
Unit: TypeAlias = tuple[str, int]
"""(task id, repeat): what is counted, and what is paired between arms."""


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """The dense table of one arm. Every planned unit has a row, in the order of task ids, then repeats."""

    arm: str
    rounds: int
    """The last round; rounds are 0..rounds."""
    repeats: int
    task_ids: tuple[str, ...]
    outcomes: Mapping[Unit, tuple[Outcome, ...]]
    """Per unit: one outcome for each of the rounds + 1 rounds."""
    any_attempt: Mapping[Unit, Outcome]
    """Per unit: whether any attempt passed; None when none did and one is unjudged."""
    episodes: Mapping[Unit, EpisodeRecord]
    """The units that were run; the others are missing."""

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(self.outcomes)

    @property
    def missing(self) -> tuple[Unit, ...]:
        """Units without an episode: not run yet, or lost. They count as not solved."""
        return tuple(unit for unit in self.outcomes if unit not in self.episodes)

    @property
    def failed(self) -> tuple[Unit, ...]:
        """Units that a model error ended. They count as not solved."""
        return tuple(unit for unit, episode in self.episodes.items() if episode.status == "failed")

    def at(self, round_: int) -> Iterator[tuple[Unit, Outcome]]:
        """Each unit with its outcome at a round, 0..rounds."""
        return ((unit, row[round_]) for unit, row in self.outcomes.items())

    def lost_to_error(self, unit: Unit, round_: int) -> bool:
        """Whether the unit is not solved at a round because a model error kept it from getting there."""
        episode = self.episodes.get(unit)
        return episode is not None and episode.status == "failed" and round_ > _last_round(episode)


def tabulate(
    episodes: Sequence[EpisodeRecord],
    arm: Arm,
    *,
    rounds: int,
    task_ids: Sequence[str],
    repeats: int | None = None,
) -> OutcomeTable:
    """The table of one arm over the planned tasks and repeats.

    Args:
        episodes: in any order; those of other arms, tasks and repeats are left out.
        rounds: the last round, from 0.
        task_ids: the planned tasks, each once.
        repeats: how many were planned; None takes the most that any record shows, at least 1.

    Raises:
        DataError: the same (task, arm, repeat) is there twice.
    """
    planned = tuple(dict.fromkeys(task_ids))
    repeats = count_repeats(episodes) if repeats is None else repeats
    found: dict[Unit, EpisodeRecord] = {}
    name = arm.name
    for episode in episodes:
        if episode.arm != name:
            continue
        unit = (episode.task_id, episode.repeat)
        if unit in found:
            raise DataError(
                f"episode {episode.task_id}, arm {episode.arm}, repeat {episode.repeat} is in the ledger twice; "
                f"no average over such records is right"
            )
        found[unit] = episode
    units = [(task_id, repeat) for task_id in planned for repeat in range(repeats)]
    return OutcomeTable(
        arm=arm.name,
        rounds=rounds,
        repeats=repeats,
        task_ids=planned,
        outcomes={unit: _row(found.get(unit), rounds) for unit in units},
        any_attempt={unit: _any(found.get(unit), rounds) for unit in units},
        episodes={unit: found[unit] for unit in units if unit in found},
    )


def count_repeats(episodes: Sequence[EpisodeRecord]) -> int:
    """The number of repeats that the records show, at least 1."""
    return max((episode.repeat + 1 for episode in episodes), default=1)


def _row(episode: EpisodeRecord | None, rounds: int) -> tuple[Outcome, ...]:
    if episode is None:
        return (False,) * (rounds + 1)
    by_round = _by_round(zip(episode.attempts, episode.answers, strict=True))
    reached = _last_round(episode)
    row: list[Outcome] = []
    outcome: Outcome = False
    for round_ in range(rounds + 1):
        if round_ in by_round:
            outcome = by_round[round_]
        elif episode.status == "failed" and round_ > reached:
            outcome = False
        row.append(outcome)
    return tuple(row)


def _any(episode: EpisodeRecord | None, rounds: int) -> Outcome:
    if episode is None:
        return False
    by_round = _by_round((judged, judged) for judged in episode.attempts)
    outcomes = [outcome for round_, outcome in by_round.items() if round_ <= rounds]
    if True in outcomes:
        return True
    return None if None in outcomes else False


def _by_round(pairs: Iterable[tuple[JudgedAttempt, JudgedAttempt]]) -> dict[int, Outcome]:
    """By the round of the first of each pair: whether the second passed."""
    return {judged.attempt.round: None if answer.verdict is None else answer.verdict.passed for judged, answer in pairs}


def _last_round(episode: EpisodeRecord) -> int:
    return max((judged.attempt.round for judged in episode.attempts), default=-1)
