"""Every seed of a run from one number, by what the call is for."""

from __future__ import annotations

import hashlib

from banchu.core.chat import CallRole


def call_seed(run_seed: int, task_id: str, repeat: int, role: CallRole, round: int) -> int:
    """A seed in [0, 2^31) for one call.

    The arm is not part of it: arms share their first attempt, and differ later only by what they are shown (common
    random numbers, which narrows the interval of a paired difference). The order of tasks is not part of it either.
    """
    text = f"{run_seed}\0{task_id}\0{repeat}\0{role}\0{round}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
