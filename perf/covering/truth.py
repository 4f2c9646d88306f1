"""The true value of every figure, from the law alone: a Markov chain of four bits, added up without any sampling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum
from typing import NamedTuple, TypeVar

from banchu.core.arm import Arm

from .law import Law, Rates, World, accepts, stops

Key = TypeVar("Key")


class State(NamedTuple):
    """Where an episode stands after a round."""

    first: bool
    """Its first attempt was right."""
    now: bool
    """Its last attempt is."""
    ever: bool
    """Some attempt was."""
    open: bool
    """It goes on."""


class Assessed(NamedTuple):
    """An attempt of which the source said something."""

    round: int
    right: bool
    accepted: bool


@dataclass(frozen=True)
class Walk:
    """Chances on tasks of one kind, or over all kinds."""

    states: tuple[dict[State, float], ...]
    """By round, after the attempt."""
    attempts: tuple[float, ...]
    """By round: the chance that the episode gets there."""
    assessed: dict[Assessed, float]

    def chance(self, round_: int, **wanted: bool) -> float:
        """Chance of a state, such as `first=True, now=False`, at a round."""
        return fsum(
            share
            for state, share in self.states[round_].items()
            if all(getattr(state, name) == value for name, value in wanted.items())
        )

    def said(self, right: bool, accepted: bool) -> float:
        """How often, in an episode, the source said this of an attempt like that."""
        return fsum(share for key, share in self.assessed.items() if (key.right, key.accepted) == (right, accepted))


def walk_kind(rates: Rates, law: Law, *, stopping: bool, rounds: int) -> Walk:
    """All that can happen in one episode on a task of one kind."""
    here = {State(True, True, True, True): rates.first, State(False, False, False, True): 1 - rates.first}
    states, attempts, assessed = [here], [1.0], dict[Assessed, float]()
    for round_ in range(rounds):
        following: defaultdict[State, float] = defaultdict(float)
        going = 0.0
        for state, share in here.items():
            if not state.open:
                following[state] += share
                continue
            accepted = accepts(law, state.now)
            for says, part in ((True, accepted * share), (False, (1 - accepted) * share)):
                key = Assessed(round_, state.now, says)
                assessed[key] = assessed.get(key, 0.0) + part
            ended = accepted * share if stopping else 0.0
            following[state._replace(open=False)] += ended
            going += share - ended
            for right in (True, False):
                chance = rates.right_after(state.now)
                next_ = State(state.first, right, state.ever or right, True)
                following[next_] += (share - ended) * (chance if right else 1 - chance)
        here = dict(following)
        states.append(here)
        attempts.append(going)
    return Walk(tuple(states), tuple(attempts), assessed)


@cache
def walk(world: World, arm: Arm) -> Walk:
    """All that can happen in one episode of an arm, over all tasks."""
    law = world.laws[arm.name]
    kinds = world.rates(law)
    walks = [walk_kind(rates, law, stopping=stops(arm), rounds=world.rounds) for rates in kinds]
    weights = [rates.weight for rates in kinds]
    return Walk(
        tuple(_mix([w.states[round_] for w in walks], weights) for round_ in range(world.rounds + 1)),
        tuple(fsum(w.attempts[r] * s for w, s in zip(walks, weights, strict=True)) for r in range(world.rounds + 1)),
        _mix([w.assessed for w in walks], weights),
    )


def pass_at_k(world: World, k: int) -> float:
    """Chance that one of k first attempts at the same task is right."""
    return fsum(rates.weight * (1 - (1 - rates.first) ** k) for rates in world.rates(Law(fresh=True)))


def paired(world: World, a: Arm, b: Arm) -> tuple[tuple[float, float, float], ...]:
    """For each kind of task: its weight, P(only a right at the last round), P(only b right).

    The arms share the first attempt and nothing after it.
    """
    found = []
    for one, two in zip(world.rates(world.laws[a.name]), world.rates(world.laws[b.name]), strict=True):
        walks = [
            walk_kind(rates, world.laws[arm.name], stopping=stops(arm), rounds=world.rounds)
            for rates, arm in ((one, a), (two, b))
        ]
        only_a = only_b = 0.0
        for first, share in ((True, one.first), (False, 1 - one.first)):
            if share:
                right_a, right_b = (w.chance(world.rounds, first=first, now=True) / share for w in walks)
                only_a += share * right_a * (1 - right_b)
                only_b += share * right_b * (1 - right_a)
        found.append((one.weight, only_a, only_b))
    return tuple(found)


def changed(world: World, arm: Arm) -> tuple[tuple[float, float, float], ...]:
    """For each kind of task: its weight, P(right at first and wrong at last), P(wrong at first and right at last)."""
    law = world.laws[arm.name]
    found = []
    for rates in world.rates(law):
        one = walk_kind(rates, law, stopping=stops(arm), rounds=world.rounds)
        last = world.rounds
        found.append((rates.weight, one.chance(last, first=True, now=False), one.chance(last, first=False, now=True)))
    return tuple(found)


def _mix(parts: Sequence[dict[Key, float]], weights: Sequence[float]) -> dict[Key, float]:
    mixed: defaultdict[Key, float] = defaultdict(float)
    for part, weight in zip(parts, weights, strict=True):
        for key, share in part.items():
            mixed[key] += weight * share
    return dict(mixed)
