"""What an episode was told of earlier ones, and what a memory held when a stage began, as the ledger keeps both."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass, fields
from typing import Any, Final

from banchu.core.arm import Arm
from banchu.memory import Entry, Outcome, Recall
from banchu.memory.codec import from_line, to_line
from banchu.memory.controls import blanked


@dataclass(frozen=True, slots=True)
class Recalled:
    """One lesson in the prompts of an episode."""

    round: int
    """The first attempt whose prompt holds it; so do all later ones."""
    place: int
    """In the prompt, from 1. 0: nothing was found, and this is no lesson. From `SEARCHED` on: a tool's answer, in the
    order in which it was given."""
    entry: str = ""
    """Its id in the memory."""
    origin: str = ""
    """The episode that wrote it."""
    about: str = ""
    """The task that it was written about."""
    written: int = 0
    """The round after which it was written."""
    outcome: str = ""
    """How that episode ended, as far as its arm could tell."""
    oracle: bool = False
    """Whether it was written under an oracle."""
    score: float = 0.0
    lexical_rank: int | None = None
    lexical_score: float | None = None
    dense_rank: int | None = None
    similarity: float | None = None
    sha: str = ""
    """sha256 of the lesson as it was written."""
    text: str = ""
    """What the prompt was given: the lesson, or what stands in for it."""


SEARCHED: Final = 1001
"""The first place of what an episode searched for itself, with the tool `search_memory`."""
COLUMNS: Final = tuple(field.name for field in fields(Recalled))


def records(recall: Recall, arm: Arm) -> list[Recalled]:
    """A recall as the ledger keeps it: a row a lesson, in the order of the prompt, or one that says there was none."""
    shown = blanked(recall.texts) if arm.control == "empty" else recall.texts
    found = [
        Recalled(
            round=0,
            place=place,
            entry=hit.entry.id,
            origin=hit.entry.episode,
            about=hit.entry.task,
            written=hit.entry.round,
            outcome=hit.entry.outcome,
            oracle=hit.entry.oracle,
            score=hit.score,
            lexical_rank=hit.lexical_rank,
            lexical_score=hit.lexical_score,
            dense_rank=hit.dense_rank,
            similarity=hit.similarity,
            sha=hashlib.sha256(hit.entry.text.encode("utf-8", "surrogatepass")).hexdigest(),
            text=text,
        )
        for place, (hit, text) in enumerate(zip(recall.hits, shown, strict=True), 1)
    ]
    return found or [Recalled(round=0, place=0)]


def lessons(rows: list[Recalled]) -> tuple[str, ...]:
    """What the prompt holds."""
    return tuple(row.text for row in rows if row.place)


def recalled_of(row: sqlite3.Row) -> Recalled:
    values: dict[str, Any] = {name: row[name] for name in COLUMNS}
    return Recalled(**{**values, "oracle": bool(values["oracle"])})


@dataclass(frozen=True, slots=True)
class Stage:
    """What an arm's memory gained before a stage of the run began. It is written once, and then stands."""

    arm: str
    stage: int
    entries: tuple[Entry, ...]

    @property
    def lines(self) -> list[str]:
        return [to_line(entry) for entry in self.entries]

    @property
    def sha(self) -> str:
        return hashlib.sha256(json.dumps(self.lines).encode()).hexdigest()


def stage_from(arm: str, stage: int, lines: list[str]) -> Stage:
    """Raises DataError where a line is none."""
    return Stage(arm, stage, tuple(from_line(line) for line in lines))


def outcome_of(arm: Arm, stopped_by: str, accepts: bool | None) -> Outcome:
    """How an episode ended, by what its own arm knew and nothing else.

    Args:
        accepts: what its feedback held of the last attempt; None: nothing.
    """
    if stopped_by == "oracle":
        return "passed"
    if stopped_by == "done":
        return "accepted"
    if accepts is None:
        return "unknown"
    if arm.oracle_content:
        return "passed" if accepts else "failed"
    return "accepted" if accepts else "rejected"
