"""Which attempt the next one revises: the last of a chain, a program that failed, or the most promising of a tree.

Pure functions of what the episode has seen, so a resumed one takes the same way. They are told what the arm's own
source said, and never a verdict that its arm may not use.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, sqrt

from banchu.core.arm import Arm
from banchu.core.episode import Feedback

EXPLORATION = 1.0
"""The weight of the second term of UCT, as in Zhou et al. 2024."""


def parent_of_next(arm: Arm, feedback: Sequence[Feedback], parents: Sequence[int | None]) -> int | None:
    """The round of the attempt that the next one revises; None: it is an independent sample.

    Args:
        feedback: on each attempt so far, in arms that search.
        parents: of each attempt so far.
    """
    made = len(parents)
    match arm.search:
        case "chain":
            return made - 1 if made and arm.shows_feedback else None
        case "repair":
            return _repair(arm.width, feedback, parents)
        case "tree":
            return _most_promising(arm.width, feedback, parents) if made else None


def path_to(round: int | None, parents: Sequence[int | None]) -> tuple[int, ...]:
    """The attempts from an independent sample to `round`, each a revision of the one before it."""
    path: list[int] = []
    while round is not None:
        path.append(round)
        round = parents[round]
    return tuple(path[::-1])


def _repair(width: int, feedback: Sequence[Feedback], parents: Sequence[int | None]) -> int | None:
    """`width` programs, then those that failed, each as often as the others.

    Source: Olausson et al. 2024, Is Self-Repair a Silver Bullet for Code Generation? (arXiv:2306.09896), section 3: n_p
    programs, each with n_fr joint samples of feedback and repair. One failed program after the other, so that an
    episode that ends early has given each the same chance.
    """
    if len(parents) < width:
        return None
    failed = [round for round in range(width) if feedback[round].accepts is not True]
    return min(failed, key=lambda round: parents.count(round), default=None)


def _most_promising(width: int, feedback: Sequence[Feedback], parents: Sequence[int | None]) -> int:
    """The attempt that UCT leads to: from the first down, until one has fewer than `width` revisions.

    Source: Zhou et al. 2024, Language Agent Tree Search (arXiv:2310.04406), section 4, selection and backpropagation;
    Kocsis & Szepesvári 2006 (UCT). The reward is the share of the episode's own tests that pass.
    """
    rewards, visits = [0.0] * len(parents), [0] * len(parents)
    for round in range(len(parents)):
        for above in path_to(round, parents):
            rewards[above] += feedback[round].score or 0.0
            visits[above] += 1

    def bound(round: int, above: int) -> float:
        if not visits[round]:
            return inf
        return rewards[round] / visits[round] + EXPLORATION * sqrt(log(visits[above]) / visits[round])

    here = 0
    while len(below := [round for round, parent in enumerate(parents) if parent == here]) >= width:
        above = here
        here = max(below, key=lambda round: (bound(round, above), -round))
    return here
