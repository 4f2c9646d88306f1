"""The models that are simulated: arms that differ, a weak model, no differences at all, the oracle in parts."""

from __future__ import annotations

from .law import Law, World
from .truth import walk

MIXED = World(
    "mixed",
    first=0.4,
    spread=0.8,
    laws={
        "intrinsic": Law(fix=0.15, spoil=0.10, false_accept=0.4, false_reject=0.2),
        "placebo": Law(fix=0.15, spoil=0.10),  # the twin of intrinsic: a difference between the two is false
        "none": Law(fresh=True),
        "self_tests": Law(fix=0.20, spoil=0.15, false_accept=0.3, false_reject=0.25),
        "oracle_trace": Law(fix=0.25, spoil=0.10, false_accept=0.0),
    },
)

RARE = World(
    "rare",
    first=0.1,
    spread=0.9,
    laws={
        "intrinsic": Law(fix=0.02, spoil=0.10, false_accept=0.6, false_reject=0.1),
        "oracle_trace": Law(fix=0.05, spoil=0.10, false_accept=0.0),
    },
)
"""Few answers are right and few change: where intervals made for large numbers are weakest."""

PARTS = World(
    "parts",
    first=0.4,
    spread=0.8,
    laws={
        "none": Law(fresh=True),
        "oracle_stop": Law(fresh=True, false_accept=0.0),
        "oracle_trace+stop=rounds": Law(fix=0.25, spoil=0.10, false_accept=0.0),
        "oracle_trace": Law(fix=0.25, spoil=0.10, false_accept=0.0),
    },
)
"""The four arms of the oracle taken apart."""


def balanced(name: str = "null", first: float = 0.4, spread: float = 0.8, fix: float = 0.2) -> World:
    """Arms that change nothing on average: fresh samples twice, and one that repairs as much as it breaks.

    The last keeps its accuracy over all tasks, by gaining on some kinds of task what it loses on others.
    """
    low, high = 0.0, 1 / (1 + spread)
    for _ in range(60):
        spoil = (low + high) / 2
        laws = {"none": Law(fresh=True), "placebo": Law(fresh=True), "intrinsic": Law(fix=fix, spoil=spoil)}
        world = World(name, first, spread, laws, null=True)
        found = walk(world, world.arms[-1])
        low, high = (spoil, high) if found.chance(world.rounds, now=True) > first else (low, spoil)
    return world


WORLDS = {world.name: world for world in (MIXED, RARE, balanced(), PARTS)}
