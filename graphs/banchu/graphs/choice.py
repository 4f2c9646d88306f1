"""Which of an episode's attempts is its answer. No verdict comes near it.

best: by the tests that the episode has anyway. majority: self-consistency for programs, which seldom agree letter by
letter: two programs agree if they give the same on every probe call.

Sources: Wang et al. 2023, Self-Consistency (arXiv:2203.11171); clusters of programs by their outputs: Li et al. 2022,
AlphaCode (arXiv:2203.07814), section 4.5; probes after Liu et al. 2023, EvalPlus (arXiv:2305.01210).
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Hashable, Sequence

from banchu.core.arm import Arm
from banchu.core.episode import Attempt, Feedback
from banchu.core.source import parse
from banchu.core.task import Task
from banchu.graphs.calls import shown_calls
from banchu.graphs.context import Prover
from banchu.graphs.probes import probe_calls

NOT_VALUES = ("raises ", "stopped", "cannot be loaded")
"""How outputs begin that are no value."""


async def choose(
    arm: Arm, task: Task, attempts: Sequence[Attempt], feedback: Sequence[Feedback], prover: Prover | None
) -> int:
    """The round of the attempt that is the answer after the last of `attempts`, of which there is at least one."""
    match arm.choose:
        case "last":
            return attempts[-1].round
        case "best":
            return best(feedback) if feedback else attempts[-1].round  # a budget may end it before any test is written
        case "majority":
            if prover is None:
                raise ValueError(f"arm {arm.name!r} needs a prover, and the episode was handed none")
            return await majority(task, attempts, prover)


def best(feedback: Sequence[Feedback]) -> int:
    """The first of those that passed the most tests: a later attempt must be better to take its place."""
    scores = [-1.0 if each.score is None else each.score for each in feedback]
    return feedback[scores.index(max(scores))].round


async def majority(task: Task, attempts: Sequence[Attempt], prover: Prover) -> int:
    """The first attempt of the largest cluster; of equal ones the cluster that came first.

    A program that gives no value on any probe has no vote. Without a probe programs agree if they are the same but for
    layout and comments.
    """
    calls = probe_calls(shown_calls(task), task.entry_point)
    behaviours = await asyncio.gather(*(_behaviour(calls, attempt.code, prover) for attempt in attempts))
    clusters: dict[Hashable, list[int]] = {}
    for attempt, behaviour in zip(attempts, behaviours, strict=True):
        if behaviour is not None:
            clusters.setdefault(behaviour, []).append(attempt.round)
    return max(clusters.values(), key=len)[0] if clusters else attempts[0].round


async def _behaviour(calls: Sequence[str], code: str | None, prover: Prover) -> Hashable | None:
    if code is None:
        return None
    if not calls:
        return _written(code)
    outputs = tuple(await prover.outputs(calls, code))
    return None if all(output.startswith(NOT_VALUES) for output in outputs) else outputs


def _written(code: str) -> str | None:
    try:
        return ast.dump(parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
