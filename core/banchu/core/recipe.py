"""One published system as an arm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """A configuration of the same graph, with its source and what differs from it."""

    name: str
    arm: str
    """The arm's spelling, the shortest."""
    rounds: int
    """Attempts after the first in the source. For `--rounds`, or the same as in the arm where the arm has its own."""
    source: str
    what: str
    differs: tuple[str, ...]
    """What the source does otherwise. Nothing stands here that was not read in its paper or its code."""
    instead: str = ""
    """Of an oracle arm: the spelling of one in its manner that a user without hidden tests could run."""
