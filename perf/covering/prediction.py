"""The power that a test should have in a world, from the law alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt
from statistics import NormalDist

from banchu.analysis.power import mcnemar_power
from banchu.core.arm import Arm

from . import truth
from .law import World

ALPHA = 0.05
Kinds = Sequence[tuple[float, float, float]]
"""For each kind of task: its weight, the chance of a pair that only a solves, and of one that only b solves."""


def power(world: World, key: tuple[str, str], tasks: int, repeats: int) -> float | None:
    """The chance of p < 0.05; None where nothing predicts it.

    With one pair a task: exact (banchu.analysis.power). With more: that of the normal test on the sums by task, which
    is an approximation.
    """
    kind, of = key
    if kind == "change":
        kinds: Kinds = truth.changed(world, Arm.parse(of))
    elif kind == "difference":
        b, a = of.split(" against ")
        kinds = truth.paired(world, Arm.parse(a), Arm.parse(b))
    else:
        return None
    if repeats == 1:
        only_a, only_b = (fsum(kind[0] * kind[side] for kind in kinds) for side in (1, 2))
        return mcnemar_power(tasks, only_a, only_b)
    return _normal(kinds, tasks, repeats)


def _normal(kinds: Kinds, tasks: int, repeats: int) -> float:
    mean = fsum(weight * (b - a) for weight, a, b in kinds)
    square = fsum(weight * ((a + b - (b - a) ** 2) / repeats + (b - a) ** 2) for weight, a, b in kinds)
    spread, normal = sqrt(square - mean**2), NormalDist()
    critical = normal.inv_cdf(1 - ALPHA / 2) * sqrt(square)
    shift = abs(mean) * sqrt(tasks)
    return normal.cdf((shift - critical) / spread) + normal.cdf((-shift - critical) / spread)
