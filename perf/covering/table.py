"""What the simulations say: coverage and false alarms beside their own error, and what does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal

from . import prediction
from .trials import ALPHA, Setting, Tally
from .worlds import WORLDS

NOMINAL = 0.95
Question = Literal["coverage", "false alarms", "power"]


@dataclass(frozen=True)
class Cell:
    """One measured share, and what it was to be."""

    question: Question
    setting: Setting
    kind: str
    of: str
    share: float | None
    """None where no interval was ever printed."""
    error: float
    """Monte-Carlo standard error, at the share that was to be."""
    expected: float | None
    """The nominal coverage or size, or the power predicted."""
    exact: bool
    """Whether what is expected is a promise, and not an approximation or a bound."""
    printed: float = 1.0
    """Share of the simulations that printed an interval."""
    below: float | None = None
    """Share of the printed in which the truth lay below."""
    width: float | None = None
    bias: float | None = None
    """Mean estimate minus truth."""
    bias_error: float = 0.0
    """Its Monte-Carlo standard error."""
    far: float = 3.0
    """How many errors are more than chance, with so many cells."""

    @property
    def biased(self) -> bool:
        """The estimate is off on average, by more than chance."""
        return self.bias is not None and abs(self.bias) > self.far * self.bias_error + 1e-12

    @property
    def wrong(self) -> bool:
        """Covers too seldom, or rejects too often."""
        if self.share is None or self.expected is None:
            return False
        beyond = self.far * self.error
        if self.question == "coverage":
            return self.share < self.expected - beyond
        if self.question == "false alarms":
            return self.share > self.expected + beyond
        return self.exact and abs(self.share - self.expected) > beyond


def cells(tallies: Mapping[Setting, Tally]) -> list[Cell]:
    """Everything measured, in the order of the settings."""
    number = sum(len(tally.coverage) + len(tally.rejected) for tally in tallies.values())
    far = NormalDist().inv_cdf(1 - 0.01 / max(1, number))
    found = []
    for setting, tally in tallies.items():
        n = tally.simulations
        for (kind, of), one in tally.coverage.items():
            share = one.covered / one.printed if one.printed else None
            bias = one.off / one.estimated if one.estimated else None
            error = sqrt(max(0.0, one.squares / one.estimated - bias**2) / one.estimated) if bias is not None else 0.0
            found.append(
                Cell(
                    "coverage",
                    setting,
                    kind,
                    of,
                    share,
                    _error(NOMINAL, one.printed),
                    NOMINAL,
                    True,
                    printed=one.printed / n,
                    below=one.below / one.printed if one.printed else None,
                    width=one.width / one.printed if one.printed else None,
                    bias=bias,
                    bias_error=error,
                    far=far,
                )
            )
        for (kind, of), test in tally.rejected.items():
            share = test.times / n
            if test.null:
                found.append(Cell("false alarms", setting, kind, of, share, _error(ALPHA, n), ALPHA, False, far=far))
            else:
                power = prediction.power(WORLDS[setting.world], (kind, of), setting.tasks, setting.repeats)
                error = _error(share if power is None else power, n)
                found.append(Cell("power", setting, kind, of, share, error, power, setting.repeats == 1, far=far))
    return found


def text(found: Sequence[Cell], simulations: int) -> str:
    """All tables."""
    settings = list(dict.fromkeys(cell.setting for cell in found))
    parts = []
    for world in dict.fromkeys(setting.world for setting in settings):
        columns = [setting for setting in settings if setting.world == world]
        parts.append(_coverage(f"world {world}: coverage, %", [c for c in found if c.setting in columns], columns))
        for question, title in (
            ("false alarms", "p < 0.05 where there is nothing, %"),
            ("power", "p < 0.05 where there is something, % (predicted)"),
        ):
            rows = [c for c in found if c.setting in columns and c.question == question]
            if rows:
                parts.append(_tests(f"world {world}: {title}", rows, columns))
    error = 100 * _error(NOMINAL, simulations)
    parts.append(f"Monte-Carlo standard error of 95 % and of 5 %: {error:.2f} points")
    parts.append("\n".join([*_biased(found), *_wrong(found)]))
    return "\n\n".join(parts)


def as_json(tallies: Mapping[Setting, Tally], found: Iterable[Cell]) -> dict[str, Any]:
    """The same as data, every arm by itself."""
    return {
        "simulations": {f"{s.world}, {s.tasks} x {s.repeats}": t.simulations for s, t in tallies.items()},
        "cells": [{**asdict(cell), "wrong": cell.wrong} for cell in found],
    }


def _coverage(title: str, found: Sequence[Cell], columns: Sequence[Setting]) -> str:
    """One row a kind of interval: the mean over the arms, and the lowest of them."""
    lines = [_head(title, columns)]
    covering = [cell for cell in found if cell.question == "coverage"]
    for kind in dict.fromkeys(cell.kind for cell in covering):
        shown = []
        for setting in columns:
            shares = [c.share for c in covering if (c.kind, c.setting) == (kind, setting) and c.share is not None]
            shown.append(f"{100 * sum(shares) / len(shares):.1f} ({100 * min(shares):.1f})" if shares else "-")
        lines.append(_line(kind, shown))
    return "\n".join([*lines, "  mean of the arms or pairs (the lowest)"])


def _tests(title: str, found: Sequence[Cell], columns: Sequence[Setting]) -> str:
    lines = [_head(title, columns)]
    for kind, of in dict.fromkeys((cell.kind, cell.of) for cell in found):
        shown = []
        for setting in columns:
            cell = next((c for c in found if (c.kind, c.of, c.setting) == (kind, of, setting)), None)
            if cell is None or cell.share is None:
                shown.append("-")
            elif cell.question == "power" and cell.expected is not None:
                shown.append(f"{100 * cell.share:.1f} ({100 * cell.expected:.1f})")
            else:
                shown.append(f"{100 * cell.share:.1f}")
        lines.append(_line(kind if of in kind or kind.startswith("any") else f"{kind}, {of}", shown))
    return "\n".join(lines)


def _wrong(found: Sequence[Cell]) -> list[str]:
    lines = [_words(cell) for cell in found if cell.wrong]
    if not lines:
        return [f"of {len(found)} intervals and tests every one holds"]
    return [f"{len(lines)} of {len(found)} intervals and tests DO NOT HOLD", *lines]


def _biased(found: Sequence[Cell]) -> list[str]:
    estimates = [cell for cell in found if cell.bias is not None]
    off = [
        f"  {cell.kind}, {cell.of} ({_where(cell)}): by {100 * (cell.bias or 0):+.2f} points"
        for cell in found
        if cell.biased
    ]
    if not off:
        return [f"of {len(estimates)} estimates every one is the truth on average"]
    return [f"{len(off)} of {len(estimates)} estimates are OFF on average", *off]


def _where(cell: Cell) -> str:
    return f"{cell.setting.world}, {cell.setting.tasks} tasks x {cell.setting.repeats}"


def _words(cell: Cell) -> str:
    said = f"{100 * (cell.share or 0):.1f} % for {100 * (cell.expected or 0):.1f} %"
    sides = "" if cell.below is None else f", {100 * cell.below:.1f} % of them with the truth below"
    return f"  {cell.question} of {cell.kind}, {cell.of} ({_where(cell)}): {said}{sides}"


def _head(title: str, columns: Sequence[Setting]) -> str:
    return _line(title, [f"{s.tasks} x {s.repeats}" for s in columns], indent="")


def _line(name: str, values: Sequence[str], indent: str = "  ") -> str:
    return f"{indent + name:<64}" + "".join(f"{value:>15}" for value in values)


def _error(share: float, n: int) -> float:
    return sqrt(share * (1 - share) / n) if n else 0.0
