"""From a run's folder to its figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from banchu.analysis.compare import ArmData
from banchu.analysis.summary import RunSummary, summarise
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import open_run, stored_config
from banchu.experiments.split import measured_tasks, split_of
from banchu.experiments.ways_around import ways_around


def summarise_run(folder: Path) -> RunSummary:
    """The figures of the run in `folder`, finished or not. Raises DataError when there is no run."""
    with open_run(folder) as ledger:
        return summarise_ledger(ledger)


def summarise_ledger(ledger: Ledger) -> RunSummary:
    """The figures of a run, from its ledger alone."""
    config = stored_config(ledger)
    summary = summarise(
        ledger.episodes(),
        arms=config.parsed_arms,
        rounds=config.rounds,
        task_ids=measured_tasks(config),
        repeats=config.repeats,
    )
    more = [*ways_around(config), *_of_memory(config)]
    return replace(summary, notes=(*summary.notes, *more)) if more else summary


def _of_memory(config: RunConfig) -> list[str]:
    """What memories do to the figures."""
    lines, split = [], split_of(config)
    if split.train:
        lines.append(
            f"memory across tasks: {len(split.train)} of {len(config.tasks)} tasks wrote lessons and are in no figure; "
            f"all arms are measured and compared on the other {len(split.test)}"
        )
    if any(arm.memory == "task" for arm in config.parsed_arms):
        lines.append(
            "memory of the same task: later repeats have read what earlier ones wrote, so repeats are no independent "
            "samples; tasks are"
        )
    return lines


def arms_of_run(ledger: Ledger, *, run: str = "") -> list[ArmData]:
    """Each arm of a run as `compare` takes it; `run` is written before its name where two runs are compared."""
    config = stored_config(ledger)
    episodes = ledger.episodes()
    return [
        ArmData(arm, episodes, arm.rounds_in(config.rounds), measured_tasks(config), config.repeats, run)
        for arm in config.parsed_arms
    ]
