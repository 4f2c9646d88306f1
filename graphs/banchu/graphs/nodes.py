"""The nodes of an episode, as closures over its arm. Each returns where to go next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from banchu.core.arm import Arm
from banchu.core.episode import Attempt, Choice, Feedback, StoppedBy
from banchu.core.task import Task
from banchu.graphs.choice import choose
from banchu.graphs.context import EpisodeContext, NotCovered
from banchu.graphs.feedback import feedback_maker
from banchu.graphs.guesses import guess
from banchu.graphs.search import parent_of_next, path_to
from banchu.graphs.state import ActView, AssessView, ReflectView, ToolsView, attempts_of, feedback_of, pack, task_of
from banchu.graphs.stops import stop_after_attempt
from banchu.graphs.talking import CallsTools, Talker, begun, ended, talking, told

AfterAct = Literal["act", "assess", "tools", "__end__"]
AfterAssess = Literal["act", "reflect", "tools", "__end__"]
AfterReflect = Literal["act", "__end__"]


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
        context, attempts = talking(self.arm, "act", runtime.context, state), attempts_of(state)
        parent = parent_of_next(self.arm, feedback_of(state), state.get("parents", ()))
        try:
            attempt = await self._attempt(state, context, attempts, parent)
        except CallsTools as calls:
            return Command(update=begun(calls.talk), goto="tools")
        except NotCovered:
            if not attempts:
                raise  # an episode without an attempt has no answer
            return _out_of_budget(ended(state))
        context.sink.attempt(attempt)
        update: dict[str, Any] = {"attempts": [pack(attempt)], "parents": [parent], **ended(state)}
        made, parents = [*attempts, attempt], [*state.get("parents", ()), parent]
        stopped = stop_after_attempt(self.arm, made, self.rounds)
        # What could be said of an attempt that no other follows is asked only where it is needed to choose.
        if stopped and self.arm.choose != "best":
            if self.arm.chooses or self.arm.searches:
                update["answer"] = await self._choose(context, task_of(state), made, feedback_of(state), parents)
            return Command(update={**update, "stopped_by": stopped}, goto="__end__")
        return Command(update=update, goto="assess" if self.assesses else "act")

    async def _attempt(
        self, state: ActView, context: EpisodeContext, attempts: list[Attempt], parent: int | None
    ) -> Attempt:
        task, round = task_of(state), len(attempts)
        seed = context.seed("actor", round)
        if self.arm.guesses and attempts:
            return await guess(task, attempts, seed=seed, prover=context.prover)
        if parent is None:
            return await context.actor.attempt(task, round=round, seed=seed, lessons=context.lessons)
        if self.arm.in_turns:
            return await context.actor.improve(
                task,
                round=round,
                seed=seed,
                attempts=attempts,
                reviews=state.get("reviews", ()),
                valence=self.arm.valence,
            )
        return await context.actor.attempt(
            task,
            round=round,
            seed=seed,
            previous=attempts[parent],
            feedback=feedback_of(state)[parent].text,
            reflections=state.get("reflections", ()),
            may_finish=self.arm.stop == "done",
            lessons=context.lessons,
        )

    async def assess(self, state: AssessView, runtime: Runtime[EpisodeContext]) -> Command[AfterAssess]:
        context, task = talking(self.arm, "assess", runtime.context, state), task_of(state)
        attempts = attempts_of(state)
        last = stop_after_attempt(self.arm, attempts, self.rounds)
        try:
            tests = await self._tests(task, state, context)
            feedback, covered = await self._feedback(context, task, attempts, state, tests or (), explained=not last)
        except CallsTools as calls:
            return Command(update=begun(calls.talk), goto="tools")
        except NotCovered:
            said = feedback_of(state)
            if self.arm.chooses or self.arm.searches:
                answer = await self._choose(context, task, attempts, said, state["parents"])
                return _out_of_budget({"answer": answer, **ended(state)})
            return _out_of_budget(ended(state))
        if not covered:
            last = "budget"
        context.sink.feedback(feedback)
        update: dict[str, Any] = {"feedback": [pack(feedback)], **ended(state)}
        if tests is not None:
            update["tests"] = list(tests)
        if self.arm.in_turns:
            update["reviews"] = [feedback.text]
        said = [*feedback_of(state), feedback]
        if self.arm.chooses or self.arm.searches:
            update["answer"] = await self._choose(context, task, attempts, said, state["parents"])
        if stopped := await self._stops(context, attempts, feedback) or last:
            return Command(update={**update, "stopped_by": stopped}, goto="__end__")
        reflects = self.arm.window and parent_of_next(self.arm, said, state["parents"]) is not None
        return Command(update=update, goto="reflect" if reflects else "act")

    async def _feedback(
        self,
        context: EpisodeContext,
        task: Task,
        attempts: list[Attempt],
        state: AssessView,
        tests: Sequence[str],
        *,
        explained: bool,
    ) -> tuple[Feedback, bool]:
        """What the source says of the last attempt, and whether the budget covered the critic's word on it.

        Args:
            explained: whether anybody will read that word.
        """
        reviews = state.get("reviews", ())
        plain = feedback_maker(replace(self.arm, explain="nothing"), context, tests, reviews)
        if self.arm.explain == "nothing" or not explained:
            return await plain(task, attempts), True
        try:
            return await feedback_maker(self.arm, context, tests, reviews)(task, attempts), True
        except NotCovered:
            # What running found still has a say in which attempt is the answer. It is not run again for that.
            return await plain(task, attempts), False

    async def _choose(
        self,
        context: EpisodeContext,
        task: Task,
        attempts: list[Attempt],
        said: list[Feedback],
        parents: Sequence[int | None],
    ) -> int:
        answer = await choose(self.arm, task, attempts, said, context.prover)
        context.sink.choice(Choice(attempts[-1].round, parents[-1], answer))
        return answer

    async def _stops(self, context: EpisodeContext, attempts: list[Attempt], feedback: Feedback) -> StoppedBy | None:
        if self.arm.stop == "accepted" and feedback.accepts:
            return "accepted"
        passes = self.arm.stop == "oracle" and await self._passes(context, attempts[-1])
        return "oracle" if passes else None

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

    async def tools(self, state: ToolsView, runtime: Runtime[EpisodeContext]) -> Command[Talker]:
        """Makes the calls that the last answer of actor or critic asks for, and goes back to whoever asked."""
        update, back = await told(self.arm, runtime.context, state)
        return Command(update=update, goto=back)

    async def reflect(self, state: ReflectView, runtime: Runtime[EpisodeContext]) -> Command[AfterReflect]:
        context, attempts, feedback = runtime.context, attempts_of(state), feedback_of(state)
        parents = state["parents"]
        parent = parent_of_next(self.arm, feedback, parents)
        if parent is None:
            raise ValueError(f"arm {self.arm.name!r} reflects before an independent sample")
        # Revisions of one attempt share its lesson in a tree; a repair has a lesson of its own (joint samples).
        if self.arm.search != "tree" or not context.memory.recall((parent,)):
            round, path = attempts[-1].round, path_to(parent, parents)
            try:
                reflection = await context.reflector.reflect(
                    task_of(state),
                    attempts[parent],
                    feedback[parent].text,
                    round=round,
                    seed=context.seed("reflector", round),
                    earlier=context.memory.recall(path) if self.arm.summary == "running" else (),
                )
            except NotCovered:
                return _out_of_budget()
            context.memory.remember(reflection, about=parent)
            context.sink.reflection(round, reflection)
        recalled = list(context.memory.recall(path_to(parent, parents)))
        return Command(update={"reflections": recalled if self.arm.summary == "off" else recalled[-1:]}, goto="act")

    async def _passes(self, context: EpisodeContext, attempt: Attempt) -> bool:
        if context.oracle is None:
            raise ValueError(f"arm {self.arm.name!r} stops by the oracle, and the episode was handed none")
        return (await context.oracle(attempt)).passed


def _out_of_budget(update: dict[str, Any] | None = None) -> Command[Any]:
    """The episode ends before a call that its budget does not cover; what it has is its answer."""
    return Command(update={**(update or {}), "stopped_by": "budget"}, goto="__end__")
