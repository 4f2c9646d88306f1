"""`run_visible_tests`: the examples that stand in the task's own prompt, run on a program that the model gives.

Who runs them is handed in and holds the public task alone; sealed tests are out of its reach by type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from banchu.agents.tools.function import tool
from banchu.agents.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class VisibleResult:
    """One example on one program."""

    test: str
    """As an assert statement."""
    passed: bool
    detail: str = ""
    """What was wrong: the value that came instead, or the error."""


class VisibleTests(Protocol):
    """The visible examples of this episode's task."""

    async def run(self, code: str) -> Sequence[VisibleResult]:
        """Each of them on a program, in order. Raises SandboxError when the sandbox itself fails."""
        ...


def run_visible_tests(tests: VisibleTests, *, timeout_s: float = 60.0) -> Tool:
    """The tool over a task's examples."""

    @tool(name="run_visible_tests", timeout_s=timeout_s, max_characters=4000)
    async def run(code: str) -> str:
        """Run the examples of the task on a complete program.

        Args:
            code: the whole program, with imports and the function that the task asks for.
        """
        results = await tests.run(code)
        if not results:
            return "The task shows no examples that can be run."
        lines = [f"{'passed' if one.passed else 'FAILED'}: {one.test}{_why(one)}" for one in results]
        return "\n".join([*lines, f"{sum(one.passed for one in results)} of {len(results)} passed"])

    return run


def _why(result: VisibleResult) -> str:
    return f"\n  {result.detail}" if result.detail and not result.passed else ""
