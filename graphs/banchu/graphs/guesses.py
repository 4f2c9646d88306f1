"""The null of an oracle's stop: guess again among the answers that were not yet tried, asking no model.

Source: Huang et al. 2024 (arXiv:2310.01798), section 3: random guessing under the gold label's stop explains most of
what "self-correction" gained on multiple choice.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from banchu.core.episode import Attempt
from banchu.core.task import Task
from banchu.graphs.context import Prover


async def guess(task: Task, attempts: Sequence[Attempt], *, seed: int, prover: Prover | None) -> Attempt:
    """An answer drawn evenly among those that no attempt so far gave; any of them where all were tried.

    The first attempt is the model's, and is run to see which answer it gives. One that gives none of them rules none
    out: all k are left then, and not the k - 1 that `analysis.null.guess_null` counts. Needs a task with `answers`.
    """
    if not task.answers:
        raise ValueError(f"task {task.id!r} has no finite set of answers to guess from")
    if prover is None:
        raise ValueError("a guess needs to know what the first attempt gave, and the episode was handed no prover")
    given = await _given(task, attempts[0], prover)
    tried = {given, *(attempt.text for attempt in attempts[1:])}
    untried = [answer for answer in task.answers if answer not in tried]
    answer = random.Random(seed).choice(untried or list(task.answers))
    return Attempt(len(attempts), answer, f"def {task.entry_point}(*args, **kwargs):\n    return {answer}\n")


async def _given(task: Task, first: Attempt, prover: Prover) -> str | None:
    if first.code is None:
        return None
    asserts = [f"assert {task.entry_point}() == {answer}" for answer in task.answers]
    checks = await prover.check(asserts, first.code)
    return next((answer for answer, check in zip(task.answers, checks, strict=True) if check.passed), None)
