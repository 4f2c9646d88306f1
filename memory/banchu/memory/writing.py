"""From what an episode knows to an entry, with its taint worked out and not claimed."""

from __future__ import annotations

from collections.abc import Iterable

from banchu.core.arm import Arm
from banchu.core.task import Task
from banchu.memory.entry import Entry, Outcome, Pool, Scope
from banchu.memory.recall import Recall, tainted


def write(
    text: str,
    *,
    arm: Arm,
    task: Task,
    split: str,
    scope: Scope,
    key: str,
    episode: str,
    round: int,
    order: int = 0,
    outcome: Outcome = "unknown",
    read: Iterable[Recall] = (),
) -> Entry:
    """The entry of a reflection in `arm`.

    It is written under an oracle if the arm uses one, if its outcome comes from the sealed tests, or if anything that
    the episode has read was.

    Args:
        read: every recall that the episode was shown before it wrote this.
    """
    oracle = arm.uses_oracle or outcome in ("passed", "failed") or tainted(read)
    pool = Pool(scope, key, arm.name)
    return Entry(text, pool, task.id, split, episode, round, order, outcome, oracle, cue=task.prompt)
