"""What running found, and what the critic makes of it before it is shown.

Sources: Chen et al. 2024, Self-Debug (arXiv:2304.05128): the code explained line by line, or a trace of its execution,
by the model; Zhong et al. 2024, LDB (arXiv:2402.16906): a verdict on each block of a real run of a failed test; Gou et
al. 2024, CRITIC (arXiv:2305.11738): a critique that has seen what the interpreter said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from banchu.core.arm import Arm
from banchu.core.calls import written_calls
from banchu.core.episode import Attempt, Feedback
from banchu.core.task import Task
from banchu.graphs.context import EpisodeContext, FeedbackMaker, Prover


@dataclass(frozen=True, slots=True)
class Explained:
    """A source that runs code, with the critic's word behind what it found. What was accepted needs none."""

    arm: Arm
    context: EpisodeContext
    prover: Prover
    source: FeedbackMaker
    tests: Sequence[str]
    """What the model wrote to test itself, in arms that do."""

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt, found = attempts[-1], await self.source(task, attempts)
        if found.accepts or attempt.code is None:
            return found
        failed = await self._failed(task, attempt.code) if self.arm.explain in ("trace", "blocks") else None
        if failed is None and self.arm.explain in ("trace", "blocks"):
            return found  # nothing failed, so there is no run to look at
        # A call inside a comprehension has names in it that mean nothing outside.
        call = next(written_calls(failed, task.entry_point), None) if failed else None
        blocks = await self.prover.steps(call.text, attempt.code) if call and self.arm.explain == "blocks" else ""
        said = await self.context.critic.explain(
            task,
            attempt,
            found.text,
            how=self.arm.explain,
            failed=failed or "",
            blocks=blocks,
            seed=self.context.seed("critic", attempt.round),
        )
        return replace(found, text=f"{found.text}\n\n{said}")

    async def _failed(self, task: Task, code: str) -> str | None:
        """The first test that the program fails."""
        tests = self.tests if self.arm.writes_tests else task.examples
        checks = await self.prover.check(tests, code)
        return next((check.source for check in checks if not check.passed), None)
