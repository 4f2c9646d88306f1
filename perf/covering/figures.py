"""Every interval and every test of a summary beside the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from banchu.analysis import ArmSummary, Comparison, Interval, RunSummary
from banchu.analysis.budgets import AtBudget
from banchu.analysis.oracle_parts import OracleParts
from banchu.core.arm import Arm

from . import truth
from .law import World
from .records import TEST_HOLDS, TESTS


@dataclass(frozen=True)
class Figure:
    """One printed interval."""

    kind: str
    """What it is an interval of, such as `accuracy r1`."""
    of: str
    """Of which arm, or of which pair."""
    estimate: float | None
    interval: Interval | None
    truth: float


@dataclass(frozen=True)
class Rejection:
    """One printed p-value."""

    kind: str
    of: str
    p: float | None
    null: bool
    """There is nothing to find: a rejection is a false alarm."""


def figures(summary: RunSummary, world: World) -> Iterator[Figure]:
    """Every interval that the summary prints, but those at equal budgets, whose truth has no closed form."""
    for one, arm in zip(summary.arms, world.arms, strict=True):
        walk = truth.walk(world, arm)
        for round_, accuracy in enumerate(one.accuracy):
            true = walk.chance(round_, now=True)
            yield Figure(f"accuracy r{round_}", one.arm, accuracy.value, accuracy.interval, true)
        bound = one.any_attempt_upper_bound
        yield Figure("any attempt", one.arm, bound.value, bound.interval, walk.chance(world.rounds, ever=True))
        true = walk.chance(world.rounds, now=True) - walk.chance(0, now=True)
        yield Figure("delta", one.arm, one.flips.delta if one.flips else None, one.delta_interval, true)
        for found in one.pass_at_k:
            yield Figure(f"pass@{found.k}", one.arm, found.estimate, found.interval, truth.pass_at_k(world, found.k))
        yield from _gate(one, walk)
        yield from _written(one)
    for pair in summary.comparisons:
        yield Figure("difference", _pair(pair), pair.difference, pair.interval, _difference(world, pair))
    for parts in summary.oracle_parts:
        yield from _parts(parts, world)


def _gate(one: ArmSummary, walk: truth.Walk) -> Iterator[Figure]:
    """How good the source is as a judge."""
    if one.gate is None:
        return
    tp, fp, fn, tn = (walk.said(right, accepted) for accepted in (True, False) for right in (True, False))
    for name, rate, true in (
        ("accepted of right", one.gate.accepted_of_right, tp / (tp + fn)),
        ("accepted of wrong", one.gate.accepted_of_wrong, fp / (fp + tn)),
        ("right of accepted", one.gate.right_of_accepted, tp / (tp + fp)),
        ("right of rejected", one.gate.right_of_rejected, fn / (fn + tn)),
    ):
        yield Figure(name, one.arm, rate.value, rate.interval, true)


def _written(one: ArmSummary) -> Iterator[Figure]:
    """The tests that the model wrote for itself."""
    if (written := one.written_tests) is not None:
        yield Figure("tests that hold", one.arm, written.holds.value, written.holds.interval, TEST_HOLDS)
        wrong = written.episodes_with_a_wrong_test
        yield Figure("episodes with a wrong test", one.arm, wrong.value, wrong.interval, 1 - TEST_HOLDS**TESTS)


def _parts(parts: OracleParts, world: World) -> Iterator[Figure]:
    """The oracle taken apart."""
    if parts.missing:
        return
    neither, stop, content, both = (
        truth.walk(world, Arm.parse(cell.arm)).chance(world.rounds, now=True) for cell in parts.cells
    )
    for name, gain, true in (
        ("stop gain", parts.stop_gain, stop - neither),
        ("stop gain with content", parts.stop_gain_with_content, both - content),
        ("information gain", parts.information_gain, content - neither),
        ("information gain with stop", parts.information_gain_with_stop, both - stop),
        ("interaction", parts.interaction, both - content - stop + neither),
    ):
        if gain is not None:
            yield Figure(name, parts.content, gain.value, gain.interval, true)


def rejections(summary: RunSummary, world: World) -> Iterator[Rejection]:
    """Every p-value that the summary prints, and `any of the pairs` after Holm."""
    for one, arm in zip(summary.arms, world.arms, strict=True):
        null = abs(truth.walk(world, arm).chance(world.rounds, now=True) - world.first) < 1e-9
        yield Rejection("change", one.arm, one.delta_p, null)
    for pair in summary.comparisons:
        yield Rejection("difference", _pair(pair), pair.p, abs(_difference(world, pair)) < 1e-9)
    false = [c.p_holm for c in summary.comparisons if c.p_holm is not None and abs(_difference(world, c)) < 1e-9]
    if false:
        yield Rejection("any false difference, after Holm", "all pairs", min(false), True)


def intervals_within(value: object) -> int:
    """How many intervals a summary holds, wherever they are but at equal budgets: `figures` must leave out none."""
    if isinstance(value, Interval):
        return 1
    if isinstance(value, AtBudget):
        return 0
    if is_dataclass(value):
        return sum(intervals_within(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple):
        return sum(intervals_within(item) for item in value)
    return 0


def _pair(pair: Comparison) -> str:
    return f"{pair.b} against {pair.a}"


def _difference(world: World, pair: Comparison) -> float:
    a, b = (truth.walk(world, Arm.parse(name)).chance(world.rounds, now=True) for name in (pair.a, pair.b))
    return b - a
