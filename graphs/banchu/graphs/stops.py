"""Stop rules that need only the attempts. `accepted` and `oracle` need a source or the oracle: see `nodes`."""

from __future__ import annotations

from collections.abc import Sequence

from banchu.core.arm import Arm
from banchu.core.episode import Attempt, StoppedBy


def stop_after_attempt(arm: Arm, attempts: Sequence[Attempt], rounds: int) -> StoppedBy | None:
    """Why the episode ends with its latest attempt, or None."""
    latest = attempts[-1]
    if arm.stop == "done" and latest.says_done:
        return "done"
    if arm.stop == "same" and _repeats(attempts, arm.same):
        return "same"
    if latest.round >= rounds:
        return "rounds"
    return None


def _repeats(attempts: Sequence[Attempt], times: int) -> bool:
    tail = [attempt.code for attempt in attempts[-times:]]
    # No program at all, said twice, is not an answer that the model holds on to.
    return len(tail) == times and tail[0] is not None and all(code == tail[0] for code in tail)
