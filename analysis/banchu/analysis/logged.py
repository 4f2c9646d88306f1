"""Attempts from elsewhere in figures: accuracy and flips by round, and every denominator named.

A log may not hold every attempt. A round of which the log knows nothing is None, as an unjudged one is: it leaves the
averages and is counted. After a task's last attempt that attempt stands, as everywhere here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from banchu.analysis.flips import Flips, count_flips
from banchu.analysis.intervals import Interval, clustered_wilson
from banchu.analysis.outcomes import Outcome, OutcomeTable, Unit

Logged = tuple[str, int, Mapping[int, Outcome]]
"""(task id, repeat, outcome by round) of one record."""


@dataclass(frozen=True, slots=True)
class RoundOfLog:
    """One round of the log, by each task's last attempt."""

    round: int
    solved: int
    known: int
    """Records whose outcome at this round is known."""
    from_previous: Flips | None
    """None for round 0."""
    from_first: Flips | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the log claims, over every denominator that it could be divided by."""

    solved: int
    records: int
    """Records that claim anything."""
    tasks: int
    """Different tasks in the log."""
    benchmark: int
    """Tasks of the benchmark."""
    stated: float | None
    """The log's own running accuracy where it ends, as a fraction."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the last attempts are worth."""

    solved: int
    judged: int
    unjudged: int
    over_log: float | None
    """Mean over the tasks of the log that have a judged attempt; repeats of a task count as one."""
    over_benchmark: float | None
    """Mean over all tasks of the benchmark; one that the log has not is not solved."""
    interval: Interval | None
    """95 %, of `over_benchmark`."""


def logged_table(logged: Iterable[Logged], task_ids: Sequence[str]) -> OutcomeTable:
    """The dense table of a log; only what it holds has a row.

    Args:
        task_ids: of the benchmark, in its order; records of other tasks are left out.
    """
    order = {task_id: place for place, task_id in enumerate(task_ids)}
    found = {(task, repeat): outcomes for task, repeat, outcomes in logged if outcomes and task in order}
    rounds = max((max(outcomes) for outcomes in found.values()), default=0)
    units = sorted(found, key=lambda unit: (order[unit[0]], unit[1]))
    return OutcomeTable(
        arm="log",
        rounds=rounds,
        repeats=max((repeat + 1 for _, repeat in units), default=1),
        task_ids=tuple(dict.fromkeys(task for task, _ in units)),
        outcomes={unit: _row(found[unit], rounds) for unit in units},
        any_attempt={unit: _any(found[unit].values()) for unit in units},
        episodes={},
    )


def rounds_of(table: OutcomeTable) -> list[RoundOfLog]:
    """Every round, from 0."""
    rows = []
    for round_ in range(table.rounds + 1 if table.outcomes else 0):
        known = [outcome for _, outcome in table.at(round_) if outcome is not None]
        rows.append(
            RoundOfLog(
                round_,
                sum(known),
                len(known),
                count_flips(table, round_ - 1, round_) if round_ else None,
                count_flips(table, 0, round_) if round_ else None,
            )
        )
    return rows


def last_attempts(table: OutcomeTable, task_ids: Sequence[str]) -> Judged:
    """Accuracy of the last attempts over the log and over the whole benchmark, whose tasks are `task_ids`."""
    last = dict(table.at(table.rounds))
    counts: dict[str, list[int]] = {}
    for (task, _), outcome in last.items():
        if outcome is not None:
            solved_judged = counts.setdefault(task, [0, 0])
            solved_judged[0] += outcome
            solved_judged[1] += 1
    total = sum(solved / judged for solved, judged in counts.values())
    unknown = {task for task, _ in last} - set(counts)
    whole = len(task_ids) - len(unknown)
    missing = [(0, 1)] * (whole - len(counts))
    return Judged(
        solved=sum(solved for solved, _ in counts.values()),
        judged=sum(judged for _, judged in counts.values()),
        unjudged=sum(outcome is None for outcome in last.values()),
        over_log=total / len(counts) if counts else None,
        over_benchmark=total / whole if counts else None,
        interval=clustered_wilson([*((s, j) for s, j in counts.values()), *missing]) if counts else None,
    )


def to_json(rounds: Sequence[RoundOfLog], judged: Judged, claimed: Claimed) -> dict[str, Any]:
    return {
        "claimed": asdict(claimed),
        "last_attempts": asdict(judged),
        "rounds": [asdict(each) for each in rounds],
    }


def _row(outcomes: Mapping[int, Outcome], rounds: int) -> tuple[Outcome, ...]:
    row: list[Outcome] = []
    for round_ in range(rounds + 1):
        row.append(outcomes.get(round_, row[-1] if row else None))
    return tuple(row)


def _any(outcomes: Iterable[Outcome]) -> Outcome:
    known = list(outcomes)
    return True if True in known else None if None in known else False


__all__ = ["Claimed", "Judged", "Logged", "RoundOfLog", "Unit", "last_attempts", "logged_table", "rounds_of", "to_json"]
