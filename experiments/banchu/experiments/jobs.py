"""The episodes of a run, in stages: what an episode may read is written, whole, before its stage begins.

A run whose arms read nothing of earlier episodes has one stage.
"""

from __future__ import annotations

from typing import NamedTuple

from banchu.core.arm import Arm
from banchu.experiments.config import RunConfig
from banchu.experiments.split import split_of, tasks_of


class Job(NamedTuple):
    """One episode."""

    task_id: str
    arm: Arm
    repeat: int

    @property
    def name(self) -> tuple[str, str, int]:
        """As the ledger names it."""
        return (self.task_id, self.arm.name, self.repeat)


def stages_of(config: RunConfig) -> list[list[Job]]:
    """All episodes, by stage."""
    # Task by task, so that the arms of a task share the first attempt while it is in flight, and an interrupted
    # run has whole pairs to compare.
    arms, split = config.parsed_arms, split_of(config)
    works_on = {arm.name: frozenset(tasks_of(config, arm)) for arm in arms}
    stages: dict[int, list[Job]] = {}
    for task_id in (*split.train, *split.test):
        for repeat in range(config.repeats):
            for arm in arms:
                if task_id in works_on[arm.name]:
                    job = Job(task_id, arm, repeat)
                    stages.setdefault(stage_of(config, job), []).append(job)
    return [stages[number] for number in sorted(stages)]


def stage_of(config: RunConfig, job: Job) -> int:
    """How many times others must have finished before this episode may begin."""
    if job.arm.memory == "task":
        return job.repeat
    return int(job.arm.memory == "across" and job.task_id not in split_of(config).train)
