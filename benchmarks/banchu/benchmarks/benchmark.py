"""A benchmark: tasks in order, each with its public and its sealed half."""

from __future__ import annotations

from dataclasses import dataclass

from banchu.core.sealed import SealedTests
from banchu.core.task import Task


@dataclass(frozen=True, slots=True)
class BenchmarkTask:
    """One problem, in two halves that never travel together past the runner."""

    task: Task
    """What the model may see."""
    sealed: SealedTests
    """What only the judge may open."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A set of problems from one file."""

    name: str
    """What it was loaded under, such as `humaneval`."""
    tasks: tuple[BenchmarkTask, ...]
    """In the order of the file; ids are unique."""
    source: str
    """Where the file came from, for people."""
    digest: str
    """sha256 of the file as it lay on disk; a selection keeps it."""
    licence: str
    """Licence of the data, as its authors state it."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(each.task.id for each in self.tasks)
