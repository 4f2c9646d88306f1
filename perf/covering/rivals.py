"""Intervals of a paired difference beside each other: banchu's, the published one, and the bootstrap by task.

One pair a task: added up exactly over every table of (pairs that only a solved, that only b solved). With repeats:
simulated. The worlds are made to be hard: few flips, all one way, or a few tasks whose repeats agree among many whose
repeats do not. An interval that is not printed neither covers nor misses; worlds where that is the rule are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from typing import TYPE_CHECKING

from banchu.analysis.intervals import Interval, paired_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tasks = Sequence[tuple[int, int]]
Rates = tuple[float, float]
"""Chance that only b solves a pair, and that only a does."""
Kind = tuple[float, float, float]
"""A share of the tasks, and their rates."""

TASKS = (10, 40, 164)
REPEATS = (1, 4, 10)
SIMULATIONS = 4000
"""Of each world. A bootstrap takes a hundred times as long and gets a tenth of them, so that its lowest is low by
chance too, by up to three points where it covers in 95 %."""
RESAMPLES = 1000
_Z = 1.959963984540054
_SELDOM = 0.1


@dataclass(frozen=True)
class Row:
    """One interval at one size."""

    name: str
    tasks: int
    repeats: int
    lowest: float
    """Coverage in the world that is hardest for it."""
    mean: float
    width: float
    """Mean over worlds and samples in which it was printed."""
    printed: float


def bonett_price(by_task: Tasks) -> Interval:
    """As published for one pair a task; with repeats: the same of the sums, with two tasks that agree."""
    tasks, each = len(by_task) + 2, by_task[0][1]
    mean = sum(total for total, _ in by_task) / each / tasks
    variance = (sum(total * total for total, _ in by_task) / each**2 + 2) / tasks - mean * mean
    half = _Z * sqrt(variance / tasks)
    return Interval(max(-1.0, mean - half), min(1.0, mean + half))


def bootstrap(by_task: Tasks, seed: int = 0) -> Interval | None:
    """Percentile interval, resampling whole tasks; None where all tasks differ alike.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3; clusters: Davison & Hinkley 1997,
    section 3.8.
    """
    import numpy as np

    values, counts = np.unique([total for total, _ in by_task], return_counts=True)
    if len(values) < 2:
        return None
    draws = np.random.default_rng(seed).multinomial(len(by_task), counts / len(by_task), size=RESAMPLES)
    low, high = np.quantile(draws @ values / sum(pairs for _, pairs in by_task), [0.025, 0.975])
    return Interval(float(low), float(high))


INTERVALS: dict[str, Callable[[Tasks], Interval | None]] = {
    "banchu": paired_interval,
    "Bonett & Price": bonett_price,
    "bootstrap": bootstrap,
}


def rows(
    tasks: Sequence[int] = TASKS,
    repeats: Sequence[int] = REPEATS,
    simulations: int = SIMULATIONS,
    names: Sequence[str] = tuple(INTERVALS),
) -> Iterator[Row]:
    """Every interval at every size, exactly with one pair a task."""
    for times in repeats:
        for number in tasks:
            for name in names:
                if times == 1:
                    yield _exactly(name, INTERVALS[name], number)
                else:
                    slow = 10 if name == "bootstrap" else 1
                    yield _simulated(name, INTERVALS[name], number, times, simulations // slow)


def text(found: Sequence[Row]) -> str:
    """One line a size: the lowest and the mean coverage, and the mean width, of each interval."""
    lines = [f"{'':<16}" + "".join(f"{name:>30}" for name in INTERVALS)]
    lines.append(f"{'tasks x repeats':<16}" + f"{'lowest':>14}{'mean':>8}{'width':>8}" * len(INTERVALS))
    for size in dict.fromkeys((row.tasks, row.repeats) for row in found):
        here = {row.name: row for row in found if (row.tasks, row.repeats) == size}
        cells = (f"{100 * r.lowest:>14.1f}{100 * r.mean:>8.1f}{100 * r.width:>8.1f}" for r in here.values())
        lines.append(f"{f'{size[0]} x {size[1]}':<16}" + "".join(cells))
    return "\n".join(lines)


def hard_rates(tasks: int) -> Iterator[Rates]:
    """With one pair a task: rare flips that go one way, and rates from nothing to all."""
    few = [count / tasks for count in (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10) if count < tasks]
    grid = sorted({0.0, *few, *(step / 25 for step in range(26))})
    for more in grid:
        for less in grid:
            if less <= more and 0 < more + less <= 1:
                yield more, less


def hard_worlds(tasks: int) -> Iterator[tuple[Kind, ...]]:
    """With repeats: tasks that agree in all of them, beside tasks whose repeats are independent."""
    for agreeing in (0, 2, 5):
        share = agreeing / tasks
        for more in (0.0, 1 / tasks, 0.1, 0.6):
            for less in (0.0, 0.05):
                if agreeing or more:
                    yield (share, 1.0, 0.0), (1 - share, more, less)


def sums(kinds: Sequence[Kind], repeats: int) -> NDArray[np.float64]:
    """Chances that the pairs of a task sum to -repeats .. repeats."""
    import numpy as np

    found = np.zeros(2 * repeats + 1)
    for weight, more, less in kinds:
        one = np.array([1.0])
        for _ in range(repeats):
            one = np.convolve(one, [less, 1 - more - less, more])
        found += weight * one
    chances: NDArray[np.float64] = np.maximum(found, 0.0) / found.sum()
    return chances


def _exactly(name: str, interval: Callable[[Tasks], Interval | None], tasks: int) -> Row:
    import numpy as np

    tables = [(b, a) for b in range(tasks + 1) for a in range(tasks + 1 - b)]
    bounds = [interval([(1, 1)] * b + [(-1, 1)] * a + [(0, 1)] * (tasks - a - b)) for b, a in tables]
    shown = np.array([found is not None for found in bounds])
    low, high = np.array([(found.low, found.high) if found else (0.0, 0.0) for found in bounds]).T
    b, a = np.array(tables).T
    logs = np.array([lgamma(n + 1) for n in range(tasks + 1)])
    ways = logs[tasks] - logs[b] - logs[a] - logs[tasks - b - a]
    covered, widths, printed = [], [], []
    for more, less in hard_rates(tasks):
        parts = (_times(b, more), _times(a, less), _times(tasks - b - a, 1 - more - less))
        chances = np.exp(ways + sum(parts)) * shown
        printed.append(float(chances.sum()))
        if printed[-1] > _SELDOM:
            holds = (low - 1e-12 <= more - less) & (more - less <= high + 1e-12)
            covered.append(float(chances[holds].sum()) / printed[-1])
            widths.append(float(chances @ (high - low)) / printed[-1])
    return Row(name, tasks, 1, min(covered), *(float(np.mean(each)) for each in (covered, widths, printed)))


def _times(counts: NDArray[np.int64], chance: float) -> NDArray[np.float64]:
    """counts * log(chance), with 0 * log(0) = 0."""
    return counts.astype(float) * (log(chance) if chance > exp(-700) else -1e300)


def _simulated(
    name: str, interval: Callable[[Tasks], Interval | None], tasks: int, repeats: int, simulations: int
) -> Row:
    import numpy as np

    rng, totals = np.random.default_rng(tasks * 1000 + repeats), np.arange(-repeats, repeats + 1)
    covered, widths, printed = [], [], 0
    worlds = [sums(kinds, repeats) for kinds in hard_worlds(tasks)]
    for chances in worlds:
        truth = float(chances @ totals) / repeats
        found = []
        for counts in rng.multinomial(tasks, chances, size=simulations):
            by_task = [(int(total), repeats) for total, n in zip(totals, counts, strict=True) for _ in range(n)]
            if (bounds := interval(by_task)) is not None:
                found.append((bounds.low - 1e-12 <= truth <= bounds.high + 1e-12, bounds.high - bounds.low))
        printed += len(found)
        if len(found) > _SELDOM * simulations:
            covered.append(float(np.mean([held for held, _ in found])))
            widths.append(float(np.mean([width for _, width in found])))
    share = printed / (simulations * len(worlds))
    return Row(name, tasks, repeats, min(covered), float(np.mean(covered)), float(np.mean(widths)), share)
