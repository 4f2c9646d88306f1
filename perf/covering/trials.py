"""Simulations in number: how often each interval held the truth, and how often each test rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from banchu.analysis import RunSummary, outcomes, summarise
from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord

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
    """Where a rate has no denominator, no interval is printed; such a run neither covers nor misses."""
    covered: int = 0
    below: int = 0
    """The truth lies below the interval."""
    width: float = 0.0
    estimated: int = 0
    off: float = 0.0
    """Sum of what the estimates are off the truth."""
    squares: float = 0.0
    """Sum of its squares."""


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
            if figure.estimate is not None:
                off = figure.estimate - figure.truth
                one.estimated, one.off, one.squares = one.estimated + 1, one.off + off, one.squares + off * off
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
            for name in ("printed", "covered", "below", "width", "estimated", "off", "squares"):
                setattr(mine, name, getattr(mine, name) + getattr(one, name))
        for key, test in other.rejected.items():
            self.rejected.setdefault(key, Rejected(test.null)).times += test.times


def summary_of(setting: Setting, seed: int) -> RunSummary:
    """One simulated run, summarised as banchu does it."""
    world = WORLDS[setting.world]
    return summarise(
        simulate(world, tasks=setting.tasks, repeats=setting.repeats, seed=seed),
        arms=world.arms,
        rounds=world.rounds,
        task_ids=task_ids(setting.tasks),
        repeats=setting.repeats,
    )


def tally(setting: Setting, seeds: Sequence[int]) -> Tally:
    """Simulate once for each seed, and count."""
    found = Tally()
    for seed in seeds:
        _tables.clear()
        found.count(summary_of(setting, seed), WORLDS[setting.world])
    return found


def tally_all(
    settings: Sequence[Setting], simulations: int, *, processes: int, seed: int = 0
) -> Iterator[tuple[Setting, Tally]]:
    """Parts of the whole as they are done, each of a few simulations. Largest runs first."""
    ordered = sorted(settings, key=lambda s: (-s.tasks * s.repeats, s))
    with ProcessPoolExecutor(processes, initializer=_only_what_is_asked) as pool:
        waiting = {}
        for number, setting in enumerate(ordered):
            start = (seed * len(ordered) + number) * 1_000_000
            for first in range(0, simulations, _PART):
                seeds = range(start + first, start + min(first + _PART, simulations))
                waiting[pool.submit(tally, setting, seeds)] = setting
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _only_what_is_asked() -> None:
    """In a worker: leave out what no simulation asks about, and work out once what would be worked out again."""
    unasked = (("compare", "tasks_needed", None), ("compare", "at_budgets", ()), ("compare", "_tokens", 0))
    for room, name, nothing in (*unasked, ("arms", "_tokens", None), ("arms", "_last_verdicts", ())):
        _replace(room, name, partial(_answer, nothing))
    for room in ("compare", "summary"):
        _replace(room, "tabulate", _tabulate)
    for name in ("_row", "_any"):
        _replace("outcomes", name, partial(_known, {}, getattr(outcomes, name)))


def _replace(room: str, name: str, with_: object) -> None:
    module = import_module(f"banchu.analysis.{room}")
    if not hasattr(module, name):
        raise AttributeError(f"banchu.analysis.{room} has no {name}: see what takes its time now")
    setattr(module, name, with_)


def _tabulate(episodes: Sequence[EpisodeRecord], arm: Arm, *, rounds: int, **planned: Any) -> outcomes.OutcomeTable:
    """One table for an arm and a run, however many comparisons ask for it."""
    key = (arm.name, rounds)
    if key not in _tables:
        _tables[key] = outcomes.tabulate(episodes, arm, rounds=rounds, **planned)
    return _tables[key]


def _known(
    found: dict[tuple[int, int], object], work_out: Callable[[EpisodeRecord, int], object], episode: Any, rounds: int
) -> object:
    """Episodes that went the same way share their attempts for as long as the process lives."""
    key = (id(episode.attempts), rounds)
    if key not in found:
        found[key] = work_out(episode, rounds)
    return found[key]


def _answer(nothing: object, *_: object, **__: object) -> object:
    return nothing


_PART = 20
_tables: dict[tuple[str, int], outcomes.OutcomeTable] = {}
"""Of the run that is being summarised, in a worker."""
