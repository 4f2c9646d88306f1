"""Arms with memory, and what their episodes were told; for tests."""

from __future__ import annotations

from typing import Any

from banchu.experiments.recalls import Recalled

ACROSS = "visible_tests+memory=across"
TASK = "visible_tests+memory=task"
SHUFFLED = "visible_tests+memory=across+k=1+control=shuffled"
ARMS = f"visible_tests,{ACROSS},{SHUFFLED},{ACROSS}+control=empty,{TASK},intrinsic+memory=across+successes=only"
HALF = {"rounds": 2, "repeats": 2, "memory_train": 3}


def recalls(lab: Any, name: str) -> dict[tuple[str, str, int], tuple[Recalled, ...]]:
    return {key: told["recalls"] for key, told in lab.trajectories(name).items() if told["recalls"]}


def first_prompts(lab: Any, name: str) -> dict[tuple[str, str, int], str]:
    return {key: told["calls"][0][2][-1][1] for key, told in lab.trajectories(name).items()}
