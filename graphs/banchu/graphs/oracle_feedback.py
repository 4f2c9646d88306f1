"""The sources that show something of the sealed tests, through the oracle handle that their arms are given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from banchu.core.episode import Attempt, Feedback
from banchu.core.task import Task
from banchu.core.verdict import Verdict, VerdictKind
from banchu.graphs.context import Oracle
from banchu.graphs.run_feedback import ALL_PASSED, SOME_FAILED


@dataclass(frozen=True, slots=True)
class OracleVerdict:
    """One bit of the sealed tests."""

    oracle: Oracle

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
        verdict = await self.oracle(attempt)
        text = ALL_PASSED if verdict.passed else SOME_FAILED
        return Feedback(attempt.round, "oracle_verdict", text, verdict.passed)


@dataclass(frozen=True, slots=True)
class OracleTrace:
    """The failing sealed assertion with expected and actual value, or the candidate's traceback."""

    oracle: Oracle

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
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
