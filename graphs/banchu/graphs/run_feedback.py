"""The sources that run the attempt, on nothing that is sealed: its own tests, the prompt's examples, or no test at all.

The feedback format of tests is that of Reflexion as published (github.com/noahshinn/reflexion, programming_runs):
`Tests passed:`, `Tests failed:`, and behind each failed assert the value that the program gave. What programs say is
data: it is bounded where it is made, and quoted where it enters a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from banchu.core.arm import FeedbackSource
from banchu.core.episode import Attempt, Check, Feedback
from banchu.core.task import Task
from banchu.graphs.calls import shown_calls
from banchu.graphs.context import Prover

NO_PROGRAM = "No function could be found in the answer."
ALL_PASSED = "The answer passed the tests."
SOME_FAILED = "The answer failed the tests."


@dataclass(frozen=True, slots=True)
class TestResults:
    """What came of tests on the attempt. It is accepted when all of them pass; without any nobody can say."""

    __test__ = False  # pytest must not collect a class for its name

    source: FeedbackSource
    prover: Prover
    tests: Sequence[str]
    without: str
    """What is said where there are no tests."""
    one_bit: bool = False
    """Only whether all passed is shown."""

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
        if not self.tests:
            return Feedback(attempt.round, self.source, self.without)
        if attempt.code is None:
            return Feedback(attempt.round, self.source, NO_PROGRAM, accepts=False, score=0.0)
        checks = await self.prover.check(self.tests, attempt.code)
        passed = sum(check.passed for check in checks)
        accepts = passed == len(checks)
        text = ALL_PASSED if accepts else SOME_FAILED
        return Feedback(
            attempt.round, self.source, text if self.one_bit else report(checks), accepts, passed / len(checks)
        )


def visible_tests(task_examples: Sequence[str], prover: Prover, *, one_bit: bool = False) -> TestResults:
    """The examples that the prompt shows."""
    without = "The task shows no examples that could be run."
    return TestResults("visible_tests", prover, task_examples, without, one_bit)


def self_tests(written: Sequence[str], prover: Prover, *, one_bit: bool = False) -> TestResults:
    """The tests that the model wrote."""
    without = "No test could be read from what was written to test it."
    return TestResults("self_tests", prover, written, without, one_bit)


def report(checks: Sequence[Check]) -> str:
    """Passed and failed tests, in the published format."""
    passed = [check.source for check in checks if check.passed]
    failed = [f"{check.source} # output: {check.output}" for check in checks if not check.passed]
    return "\n".join(["Tests passed:", *passed, "", "Tests failed:", *failed])


@dataclass(frozen=True, slots=True)
class Execution:
    """What the program does on the calls that the prompt shows. What it should do there is left out."""

    prover: Prover

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
        if attempt.code is None:
            return Feedback(attempt.round, "execution", NO_PROGRAM)
        calls = shown_calls(task)
        return Feedback(attempt.round, "execution", await self.prover.trace(calls, attempt.code))
