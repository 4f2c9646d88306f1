"""Inputs of one problem's tests. They differ from problem to problem and are the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from banchu.benchmarks.easy.family import Predicate

_NEAR: Final = range(-130, 131)
_SMALL: Final = range(-6, 10)
_MIXTURES: Final = 4


def sealed_inputs(predicate: Predicate, random: Random) -> list[list[int]]:
    """About 14 lists: the empty one, every edge, only hits, only misses, duplicates, zeros, big numbers, mixtures."""
    hits, misses = _divided(predicate, _NEAR)
    low, high = random.sample(hits, 3), random.sample(misses, 3)
    repeated, other, odd_one = random.choice(hits), random.choice(hits), random.choice(misses)
    large, _ = _divided(predicate, [sign * random.randint(10**6, 10**8) for sign in (1, -1) * 60])
    big = [random.randint(10**6, 10**7), -random.randint(10**6, 10**7), random.randint(10**11, 10**12)]
    found = [
        [],
        *([edge] for edge in predicate.edges),
        [0, 0],
        low,
        high,
        [repeated, odd_one, repeated, other, odd_one, repeated],
        [*big, random.choice(hits)],
        large[:1],
        random.sample(_SMALL, 9),
        *(_mixture(predicate, hits, misses, random) for _ in range(_MIXTURES)),
    ]
    return [list(each) for each in dict.fromkeys(map(tuple, found))]


def shown_input(predicate: Predicate, random: Random, taken: list[list[int]]) -> list[int]:
    """The input of the prompt's example: small numbers, at least two hits and a miss, and none of `taken`."""
    hits, misses = _divided(predicate, range(-9, max(30, 2 * max(predicate.edges))))
    while True:
        values = random.sample(hits, 2) + random.sample(misses, random.choice((1, 2)))
        values += random.sample(hits + misses, random.choice((0, 1, 2)))
        random.shuffle(values)
        if values not in taken:
            return values


def _mixture(predicate: Predicate, hits: list[int], misses: list[int], random: Random) -> list[int]:
    """5 to 9 numbers, some of them at an edge, some twice."""
    some = random.sample(hits, 2) + random.sample(misses, 2) + [random.choice(predicate.edges)]
    some += random.choices([*_NEAR, *predicate.edges * 20], k=random.randint(0, 3))
    if random.random() < 0.5:
        some.append(random.choice(some))
    random.shuffle(some)
    return some


def _divided(predicate: Predicate, numbers: Iterable[int]) -> tuple[list[int], list[int]]:
    holds: Callable[[int], bool] = eval(f"lambda x: {predicate.holds}")  # a literal of `family`
    every = list(numbers)
    return [x for x in every if holds(x)], [x for x in every if not holds(x)]
