"""What the figures are made of: one arm's table and figures, and what became of each unit at each round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from banchu.analysis.arms import ArmSummary
from banchu.analysis.outcomes import OutcomeTable, Unit, tabulate
from banchu.analysis.summary import RunSummary
from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord

State = Literal["correct", "incorrect", "unjudged", "error", "not run"]
STATES: tuple[State, ...] = get_args(State)
"""`error`: a model error ended the episode before this round. It and `not run` count as not solved in every average."""

LAST_DRAWN = 10
"""Where each round takes room, those after this one are left out, and the caption says so."""
_NAMED_UP_TO = 4
"""More arms are not named in a caption."""


@dataclass(frozen=True, slots=True)
class ArmView:
    """One arm as the figures take it."""

    arm: Arm
    table: OutcomeTable
    summary: ArmSummary

    @property
    def label(self) -> str:
        """The arm and what its numbers may be called: an oracle arm never stands without that."""
        return f"{self.arm.name} ({self.arm.claims})"

    @property
    def rounds(self) -> range:
        return range(self.table.rounds + 1)

    @property
    def drawn(self) -> range:
        """The rounds that have a place of their own in a figure: of many the first."""
        return range(min(self.table.rounds, LAST_DRAWN) + 1)

    def state(self, unit: Unit, round_: int) -> State:
        """What became of a unit by a round, 0..rounds: the last attempt at or before it."""
        outcome = self.table.outcomes[unit][round_]
        if outcome is None:
            return "unjudged"
        if outcome:
            return "correct"
        if unit not in self.table.episodes:
            return "not run"
        return "error" if self.table.lost_to_error(unit, round_) else "incorrect"


def views(
    summary: RunSummary, episodes: Sequence[EpisodeRecord], arms: Sequence[Arm], task_ids: Sequence[str]
) -> tuple[ArmView, ...]:
    """Each arm of a run, in the order of its summary.

    Args:
        summary: of the same run.
        episodes: all its records.
        arms: its arms with what the run knows of them, as `RunConfig.parsed_arms`.
        task_ids: the planned tasks.

    Raises:
        DataError: an episode is recorded twice.
    """
    found, known = [], {arm.name: arm for arm in arms}
    for figures in summary.arms:
        arm = known[figures.arm]
        table = tabulate(episodes, arm, rounds=figures.rounds, task_ids=task_ids, repeats=summary.repeats)
        found.append(ArmView(arm, table, figures))
    return tuple(found)


def why_nothing(arms: Sequence[ArmView]) -> str:
    """Why there is nothing to draw, in a sentence; empty where there is something."""
    if not arms:
        return "This run has no arms, so there is nothing to draw."
    if not arms[0].table.outcomes:
        return "This run has no tasks, so there is nothing to draw."
    if not any(view.table.episodes for view in arms):
        return "No episode of this run has ended yet, so there is nothing to draw."
    return ""


def size(arms: Sequence[ArmView]) -> str:
    """What n is: `n = 12 tasks in each arm`, or `n = 24 units (12 tasks × 2 repeats) in each arm`."""
    table = arms[0].table
    tasks = f"{len(table.task_ids)} task{'' if len(table.task_ids) == 1 else 's'}"
    if table.repeats == 1:
        return f"n = {tasks} in each arm"
    return f"n = {len(table.outcomes)} units ({tasks} × {table.repeats} repeats) in each arm"


def counted_apart(arms: Sequence[ArmView]) -> str:
    """What is not an ordinary wrong answer, as sentences for a caption; empty where there is none."""
    lines = []
    missing = {view.arm.name: len(view.table.missing) for view in arms if view.table.missing}
    failed = {view.arm.name: len(view.table.failed) for view in arms if view.table.failed}
    unjudged = {view.arm.name: last.unjudged for view in arms if (last := view.summary.accuracy[-1]).unjudged}
    cut = {view.arm.name: view.summary.ends.cut for view in arms if view.summary.ends.cut}
    spent = {view.arm.name: view.summary.ends.by_budget for view in arms if view.summary.ends.by_budget}
    if missing:
        lines.append(f"Not run yet, counted as not solved: {_listed(missing)}.")
    if failed:
        lines.append(f"Ended by a model error, counted as not solved from there: {_listed(failed)}.")
    if unjudged:
        lines.append(f"Unjudged at the last round, left out of averages: {_listed(unjudged)}.")
    if cut:
        lines.append(f"Not solved, and cut by the token limit: {_listed(cut)}.")
    if spent:
        lines.append(f"Ended by the episode's own budget, with the last attempt as answer: {_listed(spent)}.")
    return " ".join(lines)


def left_out_note(arms: Sequence[ArmView]) -> str:
    """Which arms have more rounds than are drawn; empty where none has."""
    more = {view.arm.name: view.table.rounds - LAST_DRAWN for view in arms if view.table.rounds > LAST_DRAWN}
    return f"Rounds after {LAST_DRAWN} are not drawn: {_listed(more, 'rounds')}." if more else ""


def dashed_note(arms: Sequence[ArmView]) -> str:
    """How lines tell that an arm had help from the sealed tests; empty where none had."""
    if not any(view.arm.uses_oracle for view in arms):
        return ""
    return "Dashed with hollow markers: arms that had help from the sealed tests; their numbers are never pass@1."


def oracle_note(arms: Sequence[ArmView]) -> str:
    """Which arms had help from the sealed tests, as a sentence for a caption; empty where none had."""
    names = [view.arm.name for view in arms if view.arm.uses_oracle]
    return f"Help from the sealed tests, so never pass@1: {', '.join(names)}." if names else ""


def _listed(counts: dict[str, int], what: str = "units") -> str:
    if len(counts) > _NAMED_UP_TO:
        return f"{sum(counts.values())} {what} over {len(counts)} arms"
    return ", ".join(f"{name} {count}" for name, count in counts.items())
