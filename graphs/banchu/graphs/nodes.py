"""The three nodes of an episode, as closures over its arm. Each returns where to go next."""

from __future__ import annotations

from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from banchu.core.arm import Arm
from banchu.core.episode import Attempt, StoppedBy
from banchu.graphs.context import EpisodeContext
from banchu.graphs.feedback import feedback_maker
from banchu.graphs.state import ActView, AssessView, ReflectView, attempts_of, pack, task_of
from banchu.graphs.stops import stop_after_attempt

AfterAct = Literal["act", "assess", "__end__"]
AfterAssess = Literal["act", "reflect", "__end__"]


class Nodes:
    """Node functions for one arm. They hold nothing of an episode: that is in the state and the context."""

    def __init__(self, arm: Arm, rounds: int) -> None:
        self.arm = arm
        self.rounds = rounds

    @property
    def assesses(self) -> bool:
        """Whether anything happens between two attempts; if not, the superstep is saved."""
        return self.arm.shows_feedback or self.arm.oracle_stops

    async def act(self, state: ActView, runtime: Runtime[EpisodeContext]) -> Command[AfterAct]:
        context, attempts = runtime.context, attempts_of(state)
        round = len(attempts)
        retry = bool(attempts) and self.arm.shows_feedback
        attempt = await context.actor.attempt(
            task_of(state),
            round=round,
            seed=context.seed("actor", round),
            previous=attempts[-1] if retry else None,
            feedback=state.get("feedback") if retry else None,
            reflections=state.get("reflections", ()) if retry else (),
            may_finish=retry and self.arm.stop == "done",
        )
        context.sink.attempt(attempt)
        stopped = stop_after_attempt(self.arm, [*attempts, attempt], self.rounds)
        if stopped:
            return Command(update={"attempts": [pack(attempt)], "stopped_by": stopped}, goto="__end__")
        return Command(update={"attempts": [pack(attempt)]}, goto="assess" if self.assesses else "act")

    async def assess(self, state: AssessView, runtime: Runtime[EpisodeContext]) -> Command[AfterAssess]:
        context, attempt = runtime.context, attempts_of(state)[-1]
        feedback = await feedback_maker(self.arm, context)(task_of(state), attempt)
        context.sink.feedback(feedback)
        stopped: StoppedBy | None = None
        if self.arm.stop == "accepted" and feedback.accepts:
            stopped = "accepted"
        elif self.arm.stop == "oracle" and await self._passes(context, attempt):
            stopped = "oracle"
        if stopped:
            return Command(update={"feedback": feedback.text, "stopped_by": stopped}, goto="__end__")
        return Command(update={"feedback": feedback.text}, goto="reflect" if self.arm.window else "act")

    async def reflect(self, state: ReflectView, runtime: Runtime[EpisodeContext]) -> Command[Literal["act"]]:
        context, attempt = runtime.context, attempts_of(state)[-1]
        reflection = await context.reflector.reflect(
            task_of(state),
            attempt,
            state["feedback"],
            round=attempt.round,
            seed=context.seed("reflector", attempt.round),
        )
        context.memory.remember(reflection)
        context.sink.reflection(attempt.round, reflection)
        return Command(update={"reflections": list(context.memory.recall())}, goto="act")

    async def _passes(self, context: EpisodeContext, attempt: Attempt) -> bool:
        if context.oracle is None:
            raise ValueError(f"arm {self.arm.name!r} stops by the oracle, and the episode was handed none")
        return (await context.oracle(attempt)).passed
