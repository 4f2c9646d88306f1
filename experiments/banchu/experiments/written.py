"""The reflections of a run's episodes, out of its ledger, as entries of a memory."""

from __future__ import annotations

from dataclasses import dataclass

from banchu.core.arm import Arm
from banchu.core.task import Task
from banchu.experiments.jobs import Job, stages_of
from banchu.experiments.ledger import Ledger
from banchu.experiments.recalls import outcome_of
from banchu.experiments.rundir import stored_config
from banchu.experiments.split import TEST, TRAIN, split_of
from banchu.memory import Entry, Outcome
from banchu.memory.writing import write

_SQL = (
    "SELECT r.round, r.text, e.stopped_by, (SELECT f.accepts FROM feedback f WHERE f.episode = e.id AND "
    "f.round = (SELECT MAX(a.round) FROM attempts a WHERE a.episode = e.id)) AS accepts FROM reflections r "
    "JOIN episodes e ON e.id = r.episode WHERE e.task_id = ? AND e.arm = ? AND e.repeat = ? AND e.status <> 'open' "
    "ORDER BY r.round"
)
_TAINTED = (
    "SELECT 1 FROM recalls r JOIN episodes e ON e.id = r.episode "
    "WHERE e.task_id = ? AND e.arm = ? AND e.repeat = ? AND r.oracle LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Reflection:
    """One, with how its episode ended by what its own arm knew."""

    round: int
    text: str
    outcome: Outcome
    tainted: bool
    """Whether its episode was told anything that was written under an oracle."""


def reflections(ledger: Ledger, arm: Arm, job: Job) -> list[Reflection]:
    """What an episode that has ended wrote, in order."""
    found, tainted = [], bool(ledger.rows(_TAINTED, job.name, of="recalls"))
    for row in ledger.rows(_SQL, job.name, of="reflections"):
        accepts = None if row["accepts"] is None else bool(row["accepts"])
        outcome = outcome_of(arm, row["stopped_by"], accepts)
        found.append(Reflection(row["round"], row["text"], outcome, tainted))
    return found


def entries_of_run(ledger: Ledger, name: str) -> list[Entry]:
    """All reflections of a run, of every arm, as entries that may outlast it.

    Args:
        name: of the run, by which a lasting memory keeps its entries apart from those of others.
    """
    config = stored_config(ledger)
    train, rows = split_of(config).train, ledger.rows("SELECT * FROM tasks", of="tasks")
    tasks = {row["task_id"]: Task(row["task_id"], config.benchmark, row["prompt"], row["entry_point"]) for row in rows}
    order = {id: at for at, id in enumerate(config.tasks)}
    return [
        write(
            each.text,
            arm=job.arm,
            task=tasks[job.task_id],
            split=TRAIN if job.task_id in train else TEST,
            scope="lasting",
            key=name,
            episode=f"{job.task_id}#{job.repeat}",
            round=each.round,
            order=order[job.task_id],
            outcome=each.outcome,
            tainted=each.tainted,
        )
        for stage in stages_of(config)
        for job in stage
        for each in reflections(ledger, job.arm, job)
    ]
