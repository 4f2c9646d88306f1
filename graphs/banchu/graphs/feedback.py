"""Feedback sources: each makes what the agent is shown after an attempt, and nothing else does.

Those that show nothing, those that ask the model, and the choice among all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from banchu.core.arm import Arm, FeedbackSource
from banchu.core.episode import Attempt, Feedback
from banchu.core.task import Task
from banchu.graphs.context import EpisodeContext, FeedbackMaker, Oracle, Prover
from banchu.graphs.explained import Explained
from banchu.graphs.oracle_feedback import OracleTrace, OracleVerdict
from banchu.graphs.run_feedback import Execution, self_tests, visible_tests

PLACEBO = "Your answer may be wrong. Try again."


def feedback_maker(
    arm: Arm, context: EpisodeContext, tests: Sequence[str] = (), reviews: Sequence[str] = ()
) -> FeedbackMaker:
    """The source that the arm names, holding only the handles it may use.

    Args:
        tests: what the model wrote to test itself, in arms that do.
        reviews: of earlier attempts, in an arm that reviews in turns.
    """
    made = _maker(arm, context, tests, reviews)
    return made if arm.explain == "nothing" else Explained(arm, context, _need_prover(arm, context), made, tests)


def _maker(arm: Arm, context: EpisodeContext, tests: Sequence[str], reviews: Sequence[str]) -> FeedbackMaker:
    one_bit = arm.show == "verdict"
    match arm.source:
        case "none" | "oracle_stop" | "random":
            return _Gate(arm, _need_prover(arm, context), tests) if arm.gated else _Said(arm.source, "")
        case "placebo":
            return _Said("placebo", PLACEBO)
        case "intrinsic" | "tools":
            return _Turns(arm, context, reviews) if arm.in_turns else _Intrinsic(arm, context)
        case "self_tests":
            return self_tests(tests, _need_prover(arm, context), one_bit=one_bit)
        case "visible_tests":
            return _Visible(_need_prover(arm, context), one_bit)
        case "execution":
            return Execution(_need_prover(arm, context))
        case "oracle_verdict":
            return OracleVerdict(_need_oracle(arm, context))
        case "oracle_trace":
            return OracleTrace(_need_oracle(arm, context))


@dataclass(frozen=True, slots=True)
class _Said:
    """The same whatever happened."""

    source: FeedbackSource
    text: str

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        return Feedback(attempts[-1].round, self.source, self.text)


@dataclass(frozen=True, slots=True)
class _Visible:
    """The examples of the task at hand."""

    prover: Prover
    one_bit: bool = False

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        return await visible_tests(task.examples, self.prover, one_bit=self.one_bit)(task, attempts)


@dataclass(frozen=True, slots=True)
class _Gate:
    """Whether tests let an independent sample pass. Nothing of what they found is shown."""

    arm: Arm
    prover: Prover
    tests: Sequence[str]

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        source = self_tests(self.tests, self.prover) if self.arm.writes_tests else _Visible(self.prover)
        found = await source(task, attempts)
        return replace(found, text="")


@dataclass(frozen=True, slots=True)
class _Intrinsic:
    """The critic's review: it sees the task and the attempt, never a verdict. With the source `tools` the critic that
    the episode was handed may call tools first."""

    arm: Arm
    context: EpisodeContext

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        attempt = attempts[-1]
        critique = await self.context.critic.critique(
            task,
            attempt,
            round=attempt.round,
            seed=self.context.seed("critic", attempt.round),
            valence=self.arm.valence,
        )
        return Feedback(attempt.round, self.arm.source, critique.text, critique.accepts)


@dataclass(frozen=True, slots=True)
class _Turns:
    """The review as a turn of the conversation that the answers are turns of. It gives no verdict."""

    arm: Arm
    context: EpisodeContext
    reviews: Sequence[str]

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        round = attempts[-1].round
        text = await self.context.critic.review(
            task,
            round=round,
            seed=self.context.seed("critic", round),
            attempts=attempts,
            reviews=self.reviews,
            valence=self.arm.valence,
        )
        return Feedback(round, "intrinsic", text)


def _need_oracle(arm: Arm, context: EpisodeContext) -> Oracle:
    if context.oracle is None:
        raise ValueError(f"arm {arm.name!r} needs an oracle, and the episode was handed none")
    return context.oracle


def _need_prover(arm: Arm, context: EpisodeContext) -> Prover:
    if context.prover is None:
        raise ValueError(f"arm {arm.name!r} needs a prover, and the episode was handed none")
    return context.prover
