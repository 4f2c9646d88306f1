"""What is remembered: a reflection, with who wrote it, where, and what they knew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

from banchu.core.arm import Arm
from banchu.core.errors import ConfigError

Scope = Literal["episode", "task", "run", "lasting"]
Outcome = Literal["unknown", "accepted", "rejected", "passed", "failed"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
SAME_TASK: Final[frozenset[Scope]] = frozenset({"episode", "task"})
"""Scopes in which a task remembers itself; in the others it must not."""
_MOST: Final = 2**62
_BY_ORACLE: Final = frozenset({"passed", "failed"})


class Pool(NamedTuple):
    """Where entries lie. Nothing is recalled out of another pool, so an arm never reads another one's."""

    scope: Scope
    key: str
    """Which episode, task or run; of a lasting memory its name, which may be empty."""
    arm: str
    """The spelling of the arm that writes and reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One reflection.

    Raises:
        ValueError: a name is missing, or it claims that no oracle was near where its arm or its outcome says otherwise.
    """

    text: str
    """What the reflector wrote: model output, to be quoted as data."""
    pool: Pool
    task: str
    """The id of the task that it was written about."""
    split: str
    """The split that the task is of. Across tasks only another split is recalled."""
    episode: str
    """The episode in which it was written, by a name that does not change when a run goes on."""
    round: int
    """The attempt that it is about."""
    order: int = 0
    """The position of its episode in the run's seeded order of tasks, and no clock: a resumed run remembers alike."""
    outcome: Outcome = "unknown"
    """How its episode ended. accepted, rejected: by what the arm was shown. passed, failed: by the sealed tests."""
    oracle: bool = False
    """Whether it was written under an oracle, or after reading what was. It taints whatever reads it."""
    cue: str = ""
    """What it is found by: the public prompt of its task. Empty: its own text."""
    embedder: str = ""
    """The id of what made its vector, filled in by the memory; empty: there is none."""

    def __post_init__(self) -> None:
        names = {"task": self.task, "split": self.split, "episode": self.episode, "arm": self.pool.arm}
        for name, value in names.items():
            if not value:
                raise ValueError(f"a memory's entry names no {name}")
        for name, value in {**names, "key": self.pool.key}.items():
            if not is_unicode(value):
                raise ValueError(f"{name} {value!r} is no Unicode")
        for name, number in {"order": self.order, "round": self.round}.items():
            if abs(number) >= _MOST:
                raise ValueError(f"{name} {number} is none that a run can have")
        if self.pool.scope not in SCOPES:
            raise ValueError(f"scope {self.pool.scope!r} is none of {', '.join(SCOPES)}")
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome {self.outcome!r} is none of {', '.join(OUTCOMES)}")
        if not self.oracle and self.outcome in _BY_ORACLE:
            raise ValueError(
                f"outcome {self.outcome!r} comes from sealed tests, so the entry is written under an oracle"
            )
        if not self.oracle and _uses_oracle(self.pool.arm):
            raise ValueError(f"arm {self.pool.arm!r} uses an oracle, so what it writes is written under one")

    @property
    def id(self) -> str:
        """Of the place in the run, not of the text: whoever writes there again replaces it. 32 hex digits."""
        place = json.dumps([*self.pool, self.task, self.episode, self.round])
        return hashlib.sha256(place.encode()).hexdigest()[:32]

    @property
    def indexed(self) -> str:
        """The text that words and vectors are made of."""
        return self.cue or self.text

    @property
    def succeeded(self) -> bool:
        """Whether its episode ended well, as far as is known."""
        return self.outcome in ("accepted", "passed")

    @property
    def fingerprint(self) -> str:
        """Of the task's prompt, so that the same task under another id is known; empty without a cue."""
        return fingerprint(self.cue)

    def embedded_by(self, embedder: str) -> Entry:
        return replace(self, embedder=embedder)


def is_unicode(text: str) -> bool:
    """Whether it holds no half of a surrogate pair, which no store takes as a name."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def fingerprint(prompt: str) -> str:
    """16 hex digits that do not depend on white space; empty for an empty prompt."""
    words = " ".join(prompt.split())
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:16] if words else ""


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Oldest first: by episode's order, then round; equal ones by id, so that no store's own order shows."""
    return sorted(entries, key=lambda entry: (entry.order, entry.episode, entry.round, entry.id))


@lru_cache(maxsize=1024)
def _uses_oracle(arm: str) -> bool:
    try:
        return Arm.parse(arm).uses_oracle
    except ConfigError:  # spelt by another version: what it says of itself has to do
        return False
