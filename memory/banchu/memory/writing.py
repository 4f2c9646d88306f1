"""From what an episode knows to an entry, with its taint worked out and not claimed."""

from __future__ import annotations

from banchu.core.arm import Arm
from banchu.core.task import Task
from banchu.memory.entry import Entry, Outcome, Pool, Scope


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
    tainted: bool = False,
) -> Entry:
    """The entry of a reflection in `arm`.

    It is written under an oracle if the arm uses one, if its outcome comes from the sealed tests, or if its writer had
    read what was.

    Args:
        tainted: whether the episode had been told anything that was written under an oracle.
    """
    oracle = arm.uses_oracle or outcome in ("passed", "failed") or tainted
    pool = Pool(scope, key, arm.name)
    return Entry(text, pool, task.id, split, episode, round, order, outcome, oracle, cue=task.prompt)
