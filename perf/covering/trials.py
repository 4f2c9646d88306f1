"""Simulations in number: how often each interval held the truth, and how often each test rejected."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module

from banchu.analysis import RunSummary, summarise

from .figures import figures, rejections
from .law import World
from .records import simulate, task_ids
from .worlds import WORLDS

ALPHA = 0.05
Key = tuple[str, str]
"""What it is, and of which arm or pair."""


@dataclass(frozen=True, order=True)
class Setting:
    """One size of run of one world."""

    world: str
    tasks: int
    repeats: int


@dataclass
class Coverage:
    """Of one interval over many simulations."""

    truth: float
    printed: int = 0
    """Where the sample shows no variation, no interval is printed; such a run neither covers nor misses."""
    covered: int = 0
    below: int = 0
    """The truth lies below the interval."""
    width: float = 0.0
    estimates: float = 0.0


@dataclass
class Rejected:
    """Of one test over many simulations."""

    null: bool
    times: int = 0


@dataclass
class Tally:
    """What has been counted in one setting."""

    simulations: int = 0
    coverage: dict[Key, Coverage] = field(default_factory=dict)
    rejected: dict[Key, Rejected] = field(default_factory=dict)

    def count(self, summary: RunSummary, world: World) -> None:
        """One more simulation."""
        self.simulations += 1
        for figure in figures(summary, world):
            one = self.coverage.setdefault((figure.kind, figure.of), Coverage(figure.truth))
            one.estimates += figure.estimate or 0.0
            if figure.interval is not None:
                one.printed += 1
                one.covered += figure.interval.low <= figure.truth <= figure.interval.high
                one.below += figure.truth < figure.interval.low
                one.width += figure.interval.high - figure.interval.low
        for test in rejections(summary, world):
            rejected = self.rejected.setdefault((test.kind, test.of), Rejected(test.null))
            rejected.times += test.p is not None and test.p < ALPHA

    def add(self, other: Tally) -> None:
        self.simulations += other.simulations
        for key, one in other.coverage.items():
            mine = self.coverage.setdefault(key, Coverage(one.truth))
            for name in ("printed", "covered", "below", "width", "estimates"):
                setattr(mine, name, getattr(mine, name) + getattr(one, name))
        for key, test in other.rejected.items():
            self.rejected.setdefault(key, Rejected(test.null)).times += test.times


def summary_of(setting: Setting, seed: int, resamples: int) -> RunSummary:
    """One simulated run, summarised as banchu does it."""
    world = WORLDS[setting.world]
    return summarise(
        simulate(world, tasks=setting.tasks, repeats=setting.repeats, seed=seed),
        arms=world.arms,
        rounds=world.rounds,
        task_ids=task_ids(setting.tasks),
        repeats=setting.repeats,
        resamples=resamples,
        seed=seed,
    )


def tally(setting: Setting, seeds: Sequence[int], resamples: int) -> Tally:
    """Simulate once for each seed, and count."""
    found = Tally()
    for seed in seeds:
        found.count(summary_of(setting, seed, resamples), WORLDS[setting.world])
    return found


def tally_all(
    settings: Sequence[Setting], simulations: int, resamples: int, seed: int = 0
) -> Iterator[tuple[Setting, Tally]]:
    """Parts of the whole as they are done, each of a few simulations, on all cores. Largest runs first."""
    ordered = sorted(settings, key=lambda s: (-s.tasks * s.repeats, s))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), initializer=_only_what_is_asked) as pool:
        waiting = {}
        for number, setting in enumerate(ordered):
            start = (seed * len(ordered) + number) * 1_000_000
            for first in range(0, simulations, _PART):
                seeds = range(start + first, start + min(first + _PART, simulations))
                waiting[pool.submit(tally, setting, seeds, resamples)] = setting
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _only_what_is_asked() -> None:
    """In a worker: leave out what no simulation asks about and what takes most of the time of a comparison."""
    module = import_module("banchu.analysis.compare")
    for name, nothing in (("tasks_needed", None), ("at_budgets", ())):
        if not hasattr(module, name):
            raise AttributeError(f"banchu.analysis.compare has no {name}: see what takes its time now")
        setattr(module, name, partial(_answer, nothing))


def _answer(nothing: object, *_: object, **__: object) -> object:
    return nothing


_PART = 20
