"""What is asked of a memory, and the wall: which entries an answer may hold.

A query names arm, task and split, or there is none. `Query.allows` is the whole wall in one place; stores that filter
by other means are held to it by `Recall`, and by property tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from banchu.core.errors import ConfigError
from banchu.memory.entry import SAME_TASK, SCOPES, Entry, Pool, Scope, fingerprint, is_unicode


@dataclass(frozen=True, slots=True)
class Query:
    """One question of one arm about one task.

    Raises:
        ConfigError: arm, task or split is missing, or a number cannot be meant.
    """

    text: str
    """What near entries are looked for: the public prompt of the task."""
    arm: str
    task: str
    split: str
    scope: Scope
    key: str = ""
    """Which episode, task or run; of a lasting memory its name."""
    k: int = 3
    """Entries at most."""
    threshold: float | None = None
    """The least cosine similarity, -1 to 1; only where the memory has an embedder."""
    before: int | None = None
    """Only entries of an earlier order: what a task may read does not depend on which other one was faster. How words
    rank it may, since BM25 counts over all that is there."""
    only_successes: bool = False
    oracle: bool = False
    """Whether the reader is labelled as an oracle arm. Others are not shown what was written under an oracle."""

    def __post_init__(self) -> None:
        for name in ("arm", "task", "split"):
            if not getattr(self, name).strip():
                raise ConfigError(f"memory: a recall names no {name}; without one nothing may be read")
            if not is_unicode(getattr(self, name)):
                raise ConfigError(f"memory: {name} {getattr(self, name)!r} is no Unicode; choose another name")
        if self.scope not in SCOPES:
            raise ConfigError(f"memory: scope {self.scope!r} is unknown; one of {', '.join(SCOPES)}")
        if self.scope != "lasting" and not self.key:
            raise ConfigError(f"memory: a recall from scope {self.scope!r} names no key; name the {self.scope}")
        if self.k < 0:
            raise ConfigError(f"memory: k={self.k} is negative; the least is 0")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise ConfigError(f"memory: threshold={self.threshold:g} is no cosine; choose one between -1 and 1")

    @property
    def pool(self) -> Pool:
        return Pool(self.scope, self.key, self.arm)

    @property
    def same_task(self) -> bool:
        """Whether the scope is of one task; across tasks the same task is never recalled."""
        return self.scope in SAME_TASK

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.text)

    def allows(self, entry: Entry) -> bool:
        """Whether an answer may hold this entry."""
        if entry.pool != self.pool or (entry.oracle and not self.oracle):
            return False
        if self.before is not None and entry.order >= self.before:
            return False
        if self.only_successes and not entry.succeeded:
            return False
        if self.same_task:
            return entry.task == self.task
        if entry.task == self.task or entry.split == self.split:
            return False
        return not entry.cue or entry.fingerprint != self.fingerprint or not self.fingerprint


@dataclass(frozen=True, slots=True)
class Selection:
    """Entries to list or to forget; None: any."""

    scope: Scope | None = None
    key: str | None = None
    arm: str | None = None
    task: str | None = None
    id: str | None = None

    def covers(self, entry: Entry) -> bool:
        return (
            self.holds(entry.pool)
            and (self.task is None or entry.task == self.task)
            and (self.id is None or entry.id == self.id)
        )

    def holds(self, pool: Pool) -> bool:
        """Whether entries of this pool may be covered."""
        pairs = ((self.scope, pool.scope), (self.key, pool.key), (self.arm, pool.arm))
        return all(wanted is None or wanted == found for wanted, found in pairs)
