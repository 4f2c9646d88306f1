"""The three nodes of an episode, as closures over its arm. Each returns where to go next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from banchu.core.arm import Arm
from banchu.core.episode import Attempt
from banchu.core.task import Task
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
        return self.arm.assesses

    async def act(self, state: ActView, runtime: Runtime[EpisodeContext]) -> Command[AfterAct]:
        context, attempts = runtime.context, attempts_of(state)
        round = len(attempts)
        retry = bool(attempts) and self.arm.shows_feedback
        seed = context.seed("actor", round)
        if retry and self.arm.in_turns:
            reviews = state.get("reviews", ())
            attempt = await context.actor.improve(
                task_of(state),
                round=round,
                seed=seed,
                attempts=attempts,
                reviews=reviews,
                valence=self.arm.valence,
            )
        else:
            attempt = await context.actor.attempt(
                task_of(state),
                round=round,
                seed=seed,
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
        context, task, attempts = runtime.context, task_of(state), attempts_of(state)
        tests = await self._tests(task, state, context)
        source = feedback_maker(self.arm, context, tests or (), state.get("reviews", ()))
        feedback = await source(task, attempts)
        context.sink.feedback(feedback)
        update: dict[str, Any] = {"feedback": feedback.text}
        if tests is not None:
            update["tests"] = list(tests)
        if self.arm.in_turns:
            update["reviews"] = [feedback.text]
        if self.arm.stop == "accepted" and feedback.accepts:
            return Command(update={**update, "stopped_by": "accepted"}, goto="__end__")
        if self.arm.stop == "oracle" and await self._passes(context, attempts[-1]):
            return Command(update={**update, "stopped_by": "oracle"}, goto="__end__")
        return Command(update=update, goto="reflect" if self.arm.window else "act")

    async def _tests(self, task: Task, state: AssessView, context: EpisodeContext) -> Sequence[str] | None:
        """The model's own tests, written once an episode; None in arms without."""
        if not self.arm.writes_tests:
            return None
        if "tests" in state:
            return state["tests"]
        if context.tester is None:
            raise ValueError(f"arm {self.arm.name!r} needs a test writer, and the episode was handed none")
        tests = await context.tester.write(task, limit=self.arm.tests, seed=context.seed("tester", 0))
        context.sink.self_tests(tests)
        return tests

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
