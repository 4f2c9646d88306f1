"""From a run's folder to its figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from banchu.analysis.compare import ArmData
from banchu.analysis.summary import RunSummary, summarise
from banchu.experiments.config import TIMED
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import open_run, stored_config


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
        task_ids=config.tasks,
        repeats=config.repeats,
    )
    return summary if config.episode_seconds is None else replace(summary, notes=(*summary.notes, TIMED))


def arms_of_run(ledger: Ledger, *, run: str = "") -> list[ArmData]:
    """Each arm of a run as `compare` takes it; `run` is written before its name where two runs are compared."""
    config = stored_config(ledger)
    episodes = ledger.episodes()
    return [
        ArmData(arm, episodes, arm.rounds_in(config.rounds), config.tasks, config.repeats, run)
        for arm in config.parsed_arms
    ]
