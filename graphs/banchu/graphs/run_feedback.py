"""The sources that run the attempt, on nothing that is sealed: its own tests, the prompt's examples, or no test at all.

The feedback format of tests is that of Reflexion as published (github.com/noahshinn/reflexion, programming_runs):
`Tests passed:`, `Tests failed:`, and behind each failed assert the value that the program gave. What programs say is
data: it is bounded where it is made, and quoted where it enters a prompt.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from banchu.core.arm import FeedbackSource
from banchu.core.episode import Attempt, Check, Feedback
from banchu.core.source import parse
from banchu.core.task import Task
from banchu.graphs.context import Prover

NO_PROGRAM = "No function could be found in the answer."


@dataclass(frozen=True, slots=True)
class TestResults:
    """What came of tests on the attempt. It is accepted when all of them pass; without any nobody can say."""

    __test__ = False  # pytest must not collect a class for its name

    source: FeedbackSource
    prover: Prover
    tests: Sequence[str]
    without: str
    """What is said where there are no tests."""

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
        if not self.tests:
            return Feedback(attempt.round, self.source, self.without)
        if attempt.code is None:
            return Feedback(attempt.round, self.source, NO_PROGRAM, accepts=False)
        checks = await self.prover.check(self.tests, attempt.code)
        accepts = all(check.passed for check in checks)
        return Feedback(attempt.round, self.source, report(checks), accepts)


def visible_tests(task_examples: Sequence[str], prover: Prover) -> TestResults:
    """The examples that the prompt shows."""
    return TestResults("visible_tests", prover, task_examples, "The task shows no examples that could be run.")


def self_tests(written: Sequence[str], prover: Prover) -> TestResults:
    """The tests that the model wrote."""
    return TestResults("self_tests", prover, written, "No test could be read from what was written to test it.")


def report(checks: Sequence[Check]) -> str:
    """Passed and failed tests, in the published format."""
    passed = [check.source for check in checks if check.passed]
    failed = [f"{check.source} # output: {check.output}" for check in checks if not check.passed]
    return "\n".join(["Tests passed:", *passed, "", "Tests failed:", *failed])


@dataclass(frozen=True, slots=True)
class Execution:
    """What the program does on the inputs of the visible examples. What it should do there is left out."""

    prover: Prover

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
        if attempt.code is None:
            return Feedback(attempt.round, "execution", NO_PROGRAM)
        calls = calls_of(task.examples, task.entry_point)
        return Feedback(attempt.round, "execution", await self.prover.trace(calls, attempt.code))


def calls_of(examples: Sequence[str], entry_point: str) -> tuple[str, ...]:
    """The calls of `entry_point` in assert statements, each once and on one line; nothing of what they should give."""
    found: dict[str, None] = {}
    for example in examples:
        for node in ast.walk(parse(example)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry_point:
                found[ast.unparse(node)] = None
    return tuple(found)
