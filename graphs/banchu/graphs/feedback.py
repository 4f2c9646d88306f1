"""Feedback sources: each makes what the agent is shown after an attempt, and nothing else does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from banchu.core.arm import Arm, FeedbackSource
from banchu.core.episode import Attempt, Feedback
from banchu.core.task import Task
from banchu.core.verdict import Verdict, VerdictKind
from banchu.graphs.context import EpisodeContext, Oracle


class FeedbackMaker(Protocol):
    """One feedback source at work in one episode."""

    async def __call__(self, task: Task, attempt: Attempt) -> Feedback: ...


def feedback_maker(arm: Arm, context: EpisodeContext) -> FeedbackMaker:
    """The source that the arm names, holding only the handles it may use."""
    match arm.source:
        case "none" | "oracle_stop":
            return _Silence(arm.source)
        case "intrinsic":
            return _Intrinsic(arm, context)
        case "oracle_verdict":
            return _OracleVerdict(_need(arm, context.oracle))
        case "oracle_trace":
            return _OracleTrace(_need(arm, context.oracle))


@dataclass(frozen=True, slots=True)
class _Silence:
    source: FeedbackSource

    async def __call__(self, task: Task, attempt: Attempt) -> Feedback:
        return Feedback(attempt.round, self.source, "")


@dataclass(frozen=True, slots=True)
class _Intrinsic:
    """The model's own critique: it sees the task and the attempt, never a verdict."""

    arm: Arm
    context: EpisodeContext

    async def __call__(self, task: Task, attempt: Attempt) -> Feedback:
        critique = await self.context.critic.critique(
            task,
            attempt,
            round=attempt.round,
            seed=self.context.seed("critic", attempt.round),
            valence=self.arm.valence,
        )
        return Feedback(attempt.round, "intrinsic", critique.text, critique.accepts)


@dataclass(frozen=True, slots=True)
class _OracleVerdict:
    """One bit of the sealed tests."""

    oracle: Oracle

    async def __call__(self, task: Task, attempt: Attempt) -> Feedback:
        verdict = await self.oracle(attempt)
        text = "The answer passed the tests." if verdict.passed else "The answer failed the tests."
        return Feedback(attempt.round, "oracle_verdict", text, verdict.passed)


@dataclass(frozen=True, slots=True)
class _OracleTrace:
    """The failing sealed assertion with expected and actual value, or the candidate's traceback."""

    oracle: Oracle

    async def __call__(self, task: Task, attempt: Attempt) -> Feedback:
        verdict = await self.oracle(attempt)
        return Feedback(attempt.round, "oracle_trace", trace_text(verdict, task.entry_point), verdict.passed)


def trace_text(verdict: Verdict, entry_point: str) -> str:
    """What a tester would report of this verdict, in a few lines, under the name that the model knows."""
    if verdict.passed:
        return "All tests passed."
    lines = [_HEADLINES[verdict.kind]]
    if verdict.assertion:
        test = re.sub(r"\bcandidate\b", entry_point, verdict.assertion)
        lines.append(f"Failed test: {test}")
    if verdict.expected:
        lines.append(f"Expected: {verdict.expected}")
    if verdict.actual:
        lines.append(f"Got: {verdict.actual}")
    if verdict.error:
        lines.append(f"Error:\n{verdict.error}")
    return "\n".join(lines)


_HEADLINES: dict[VerdictKind, str] = {
    "wrong_answer": "A test failed: the function returned a wrong answer.",
    "raised": "A test failed: the code raised an exception.",
    "timed_out": "A test failed: the code took too long.",
    "out_of_memory": "A test failed: the code ran out of memory.",
    "output_limit": "A test failed: the code printed too much.",
    "forbidden": "A test failed: the code did something that is not allowed.",
    "no_answer": "No function could be found in the answer.",
    "flaky": "The tests do not always pass: the answer depends on chance.",
}


def _need(arm: Arm, oracle: Oracle | None) -> Oracle:
    if oracle is None:
        raise ValueError(f"arm {arm.name!r} needs an oracle, and the episode was handed none")
    return oracle
