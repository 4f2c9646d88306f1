"""Which tasks write lessons for others, which are measured, and what of an arm's memory cannot be run.

The split follows from the run's seed, the order of the writers from one of its own, so that the order can be permuted
over the same tasks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from banchu.core.arm import Arm
from banchu.core.errors import ConfigError

if TYPE_CHECKING:
    from banchu.experiments.config import RunConfig

TRAIN: Final = "train"
TEST: Final = "test"
FROM_FILE: Final = frozenset({"file", "oracle_file"})


@dataclass(frozen=True, slots=True)
class Split:
    """The tasks of a run."""

    train: tuple[str, ...]
    """Those that write lessons for others, in the order in which they count as older and younger. Only arms with
    memory across tasks run them, and no figure holds them."""
    test: tuple[str, ...]
    """Those that all figures are about, in the benchmark's order."""


def split_of(config: RunConfig) -> Split:
    return _split(config.tasks, config.memory_train, config.seed, config.memory_order)


def measured_tasks(config: RunConfig) -> tuple[str, ...]:
    """The tasks that all figures of a run are about."""
    return split_of(config).test


def tasks_of(config: RunConfig, arm: Arm) -> tuple[str, ...]:
    """The tasks that an arm works on: lessons first, in their order."""
    split = split_of(config)
    return (*split.train, *split.test) if arm.memory == "across" else split.test


def writers(given: str, tasks: int) -> int:
    """How many of `tasks` write: a number of them, or a fraction. Raises ConfigError."""
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    found = round(number * tasks) if 0 < number < 1 else int(number) if number.is_integer() else 0
    if found < 1:
        raise ConfigError(
            f"--memory-train {given} is neither a number of tasks nor a fraction of {tasks}; write such as 0.5"
        )
    return found


def check_memory(config: RunConfig) -> None:
    """Raises ConfigError for options and arms that contradict each other."""
    arms = [arm for arm in config.parsed_arms if arm.recalls]
    across = [arm for arm in arms if arm.memory == "across"]
    from_file = [arm for arm in arms if arm.memory in FROM_FILE]
    searching = [*across, *from_file]
    if across and not config.memory_train:
        raise ConfigError(
            f"arm {across[0].name!r} reads lessons on other tasks; say how many of the {len(config.tasks)} write them, "
            f"such as --memory-train 0.5"
        )
    if config.memory_train and not across:
        raise ConfigError("--memory-train is for arms with memory=across, and there is none; leave it out")
    if config.memory_order and not across:
        raise ConfigError("--memory-order is for arms with memory=across, and there is none; leave it out")
    if config.memory_train >= len(config.tasks) and across:
        raise ConfigError(
            f"--memory-train {config.memory_train} leaves none of {len(config.tasks)} tasks to be measured; write fewer"
        )
    if from_file and not config.memory_file:
        raise ConfigError(f"arm {from_file[0].name!r} reads lessons from a file; name it with --memory-file FILE")
    if config.memory_file and not from_file:
        raise ConfigError("--memory-file is for arms with memory=file, and there is none; add one, or leave it out")
    if config.embedder and not searching:
        raise ConfigError("--embedder finds lessons for arms with memory=across or memory=file, and there is none")
    for arm in arms:
        if arm.threshold is not None and not config.embedder:
            raise ConfigError(f"arm {arm.name!r}: threshold is a cosine; choose what embeds, such as --embedder minilm")
        if arm.memory == "task" and config.repeats < 2:
            raise ConfigError(f"arm {arm.name!r} reads earlier repeats of a task; use --repeats 2 or more")
        if arm.writes_memory and not arm.rounds_in(config.rounds):
            raise ConfigError(f"arm {arm.name!r}: nobody reflects on a single attempt; use --rounds 1 or more")


@lru_cache(maxsize=64)
def _split(tasks: tuple[str, ...], train: int, seed: int, order: int) -> Split:
    if not train:
        return Split((), tasks)
    chosen = _shuffled(tasks, f"{seed}\0memory split")[:train]
    inside = frozenset(chosen)
    return Split(
        tuple(_shuffled(chosen, f"{order}\0memory order")), tuple(task for task in tasks if task not in inside)
    )


def _shuffled(tasks: Sequence[str], seed: str) -> list[str]:
    return sorted(tasks, key=lambda task: hashlib.sha256(f"{seed}\0{task}".encode()).digest())
