"""How a simulated model behaves: its rates, and how they differ from task to task.

A task is one of a few kinds, from hard (-1) to easy (+1), drawn by chance for each task. All repeats of a task and all
arms meet the same kind: that is what makes repeats cluster. On an easy task the model is right more often, repairs
more and breaks less; the mean of each rate over the kinds is the rate that the law names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from banchu.core.arm import Arm

EASE: Mapping[float, float] = {-1.0: 0.4, 0.0: 0.2, 1.0: 0.4}
"""Ease of a task, and how many of the tasks have it. Its mean is 0."""


@dataclass(frozen=True)
class Law:
    """What one arm does to an answer between two rounds."""

    fix: float = 0.0
    """q: chance that a right attempt follows a wrong one."""
    spoil: float = 0.0
    """r: chance that a wrong attempt follows a right one."""
    fresh: bool = False
    """Each attempt is a new first attempt instead; q and r mean nothing."""
    false_accept: float | None = None
    """Chance that the source holds a wrong attempt for right; None: the source does not say."""
    false_reject: float = 0.0
    """Chance that the source holds a right attempt for wrong."""


@dataclass(frozen=True)
class Rates:
    """A law on the tasks of one kind."""

    weight: float
    """Share of the tasks that are of this kind."""
    first: float
    fix: float
    spoil: float

    def right_after(self, right: bool) -> float:
        """Chance that the next attempt is right."""
        return 1 - self.spoil if right else self.fix


@dataclass(frozen=True, eq=False)  # one world is itself alone, and so may be a key
class World:
    """A model, its arms, and how unequal the tasks are."""

    name: str
    first: float
    """p0: chance that a first attempt is right, over all tasks."""
    spread: float
    """0: all tasks alike. 1: as unequal as p0 and the laws allow."""
    laws: Mapping[str, Law]
    """By the arm's name, in the order of the run: the first is the baseline where there are many."""
    rounds: int = 2
    null: bool = False
    """No arm differs from another, and none changes, on average: every rejection is a false alarm."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        return tuple(Arm.parse(name) for name in self.laws)

    def rates(self, law: Law) -> tuple[Rates, ...]:
        """The law on each kind of task, from hard to easy."""
        reach = self.spread * min(self.first, 1 - self.first)
        found = []
        for ease, weight in EASE.items():
            first, tilt = self.first + reach * ease, self.spread * ease
            if law.fresh:
                found.append(Rates(weight, first, first, 1 - first))
            else:
                found.append(Rates(weight, first, law.fix * (1 + tilt), law.spoil * (1 - tilt)))
        return tuple(found)


def accepts(law: Law, right: bool) -> float:
    """Chance that the source holds an attempt for right; 0 where it does not say."""
    if law.false_accept is None:
        return 0.0
    return 1 - law.false_reject if right else law.false_accept


def stops(arm: Arm) -> bool:
    """Whether an accepted attempt is the last of its episode."""
    return arm.stop in ("accepted", "oracle")
