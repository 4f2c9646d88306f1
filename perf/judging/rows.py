"""What a row of the table is: a way to judge programs, and the names of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from judging.programs import Program


class Unavailable(Exception):  # named for what happened
    """This row cannot be had here; says why."""


@dataclass(frozen=True)
class Outcome:
    """One judgement."""

    task_id: str
    passed: bool
    wall_s: float


class Row(Protocol):
    """One way to judge. Lives in a process of its own, in which nothing else happens."""

    def prepare(self, programs: Sequence[Program]) -> None:
        """What a user of it does once, or outside the judging itself. Not timed. Raises Unavailable."""

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        """Timed."""

    def close(self) -> None:
        """End everything that was started."""


@dataclass(frozen=True)
class Entry:
    """How a row is made."""

    make: Callable[[str], Row]
    """From the name of the group that CPU is accounted to."""
    note: str
    few: int = 0
    """Programs of each group, where all would take hours."""
    home: str = ""
    """Rows of the same home live in one process."""


def rows() -> dict[str, Entry]:
    """All rows by name, in the order of the table."""
    from judging import containers, floors, ours, rivals

    return {**ours.rows(), **floors.rows(), **rivals.rows(), **containers.rows()}
