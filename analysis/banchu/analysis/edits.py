"""How much an arm changes between two attempts, and whether what it changed was right.

The similarity of two programs is 1 - d / (length of both), d being the least number of characters to insert and delete:
the edit distance ratio of SCoRe's histograms (Kumar et al. 2024, arXiv 2409.12917, section 4), turned round. difflib is
not used: its ratio is no distance (it depends on the order of its arguments) and takes 30 to 70 times as long here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Literal

from banchu.core.episode import EpisodeRecord, JudgedAttempt

FlipClass = Literal["c→c", "c→i", "i→c", "i→i"]
FLIP_CLASSES: tuple[FlipClass, ...] = ("c→c", "c→i", "i→c", "i→i")
REWRITTEN_BELOW = 0.5
"""Similarity under which a program counts as rewritten: half of its characters were changed."""


@dataclass(frozen=True, slots=True)
class Edits:
    """Pairs of consecutive attempts of one arm. Shares are of `pairs`; without a pair they are None."""

    pairs: int
    """Both hold a program."""
    median: float | None
    """Of the similarity, 0 to 1."""
    unchanged: int
    """Pairs whose two programs are the same."""
    rewritten: int
    """Pairs with a similarity below REWRITTEN_BELOW."""
    unchanged_share: float | None
    rewritten_share: float | None


@dataclass(frozen=True, slots=True)
class ArmEdits:
    """The edits of one arm, together and by what became of the answer."""

    arm: str
    all: Edits
    by_flip: dict[FlipClass, Edits]
    """Pairs judged on both sides."""
    without_program: int
    """Consecutive attempts left out because one of them holds no program."""
    unjudged: int
    """Pairs that are in `all` and in no flip class."""


def arm_edits(arm: str, episodes: Iterable[EpisodeRecord]) -> ArmEdits:
    """The edits of one arm. `episodes` may be in any order; those of other arms are left out."""
    found: list[tuple[float, FlipClass | None]] = []
    without = 0
    for episode in episodes:
        if episode.arm != arm:
            continue
        attempts = sorted(episode.attempts, key=lambda judged: judged.attempt.round)
        for before, after in pairwise(attempts):
            if before.attempt.code is None or after.attempt.code is None:
                without += 1
            else:
                found.append((similarity(before.attempt.code, after.attempt.code), _flip(before, after)))
    return ArmEdits(
        arm=arm,
        all=_edits([value for value, _ in found]),
        by_flip={flip: _edits([value for value, kind in found if kind == flip]) for flip in FLIP_CLASSES},
        without_program=without,
        unjudged=sum(kind is None for _, kind in found),
    )


def similarity(a: str, b: str) -> float:
    """2 L / (length of a + length of b), L being the longest common subsequence; 1.0 for two empty texts.

    This is 1 - d / (length of both) for the distance d of insertions and deletions. Symmetric, exact.
    """
    if a == b:
        return 1.0
    return _similarity(*sorted((a, b)))


@lru_cache(maxsize=4096)
def _similarity(a: str, b: str) -> float:
    return 2 * _common(a, b) / (len(a) + len(b))


def _common(a: str, b: str) -> int:
    """Length of the longest common subsequence.

    Source: Hyyrö 2004, "Bit-parallel LCS-length computation revisited": a column of the table is the bits of one
    number, so a row of it costs one addition.
    """
    places: dict[str, int] = {}
    for index, character in enumerate(a):
        places[character] = places.get(character, 0) | 1 << index
    full = (1 << len(a)) - 1
    column = full
    for character in b:
        matches = column & places.get(character, 0)
        column = ((column + matches) | (column - matches)) & full
    return len(a) - column.bit_count()


def _edits(values: list[float]) -> Edits:
    n = len(values)
    unchanged, rewritten = sum(value == 1 for value in values), sum(value < REWRITTEN_BELOW for value in values)
    return Edits(
        pairs=n,
        median=median(values) if n else None,
        unchanged=unchanged,
        rewritten=rewritten,
        unchanged_share=unchanged / n if n else None,
        rewritten_share=rewritten / n if n else None,
    )


def _flip(before: JudgedAttempt, after: JudgedAttempt) -> FlipClass | None:
    if before.verdict is None or after.verdict is None:
        return None
    names: dict[tuple[bool, bool], FlipClass] = {
        (True, True): "c→c",
        (True, False): "c→i",
        (False, True): "i→c",
        (False, False): "i→i",
    }
    return names[before.verdict.passed, after.verdict.passed]
