"""The comparison of test_noninterference, shown to fail: one leak planted on each path by which one could come.

Each leak lets something of the sealed tests into arms without an oracle, in the place where a mistake would put it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from banchu.agents import Actor, Reflector
from banchu.benchmarks import Benchmark
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import Arm
from banchu.core.chat import Completion, Request
from banchu.core.episode import Attempt, Check, Feedback
from banchu.core.task import Task
from banchu.experiments.ledger import Ledger
from banchu.experiments.proving import Proofs
from banchu.experiments.runner import Runner
from banchu.graphs import choice
from banchu.graphs.context import Prover
from banchu.graphs.nodes import Nodes
from banchu.graphs.run_feedback import TestResults
from banchu.graphs.state import ActView

ARMS = "placebo,intrinsic,self_tests,none+gate=visible_tests"
Passes = Callable[[str, str | None], bool]
Plant = Callable[[pytest.MonkeyPatch, Passes], None]


def in_the_prompt(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """The actor is told how the hidden tests went."""
    honest = Actor.attempt

    async def attempt(self: Actor, task: Task, **values: Any) -> Attempt:
        if values.get("previous") is not None:
            values["feedback"] = f"{values['feedback']} Hidden tests: {passes(task.id, values['previous'].code)}."
        return await honest(self, task, **values)

    patch.setattr(Actor, "attempt", attempt)


def in_the_stop(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """An episode ends with its first attempt that passes."""
    honest = Nodes.act

    async def act(self: Nodes, state: ActView, runtime: Any) -> Any:
        command: Any = await honest(self, state, runtime)
        if passes(state["task"]["id"], command.update["attempts"][0]["code"]):
            return replace(command, update={**command.update, "stopped_by": "rounds"}, goto="__end__")
        return command

    patch.setattr(Nodes, "act", act)


def in_what_is_kept(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """An answer that passes is kept, and the one after it thrown away: "best so far"."""
    honest = Actor.attempt

    async def attempt(self: Actor, task: Task, **values: Any) -> Attempt:
        new, previous = await honest(self, task, **values), values.get("previous")
        return replace(new, code=previous.code) if previous and passes(task.id, previous.code) else new

    patch.setattr(Actor, "attempt", attempt)


def in_the_choice(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """Of several answers one that passes is taken, whatever most of them or the episode's own tests say."""
    honest = choice.choose

    async def choose(
        arm: Arm, task: Task, attempts: Sequence[Attempt], feedback: Sequence[Feedback], prover: Prover | None
    ) -> int:
        right = [attempt.round for attempt in attempts if passes(task.id, attempt.code)]
        return right[-1] if right else await honest(arm, task, attempts, feedback, prover)

    patch.setattr("banchu.graphs.nodes.choose", choose)


def in_the_search(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """What a tree goes by is the share of hidden tests, and not of the model's own: the reward of LATS as released."""
    honest = TestResults.__call__

    async def call(self: TestResults, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        return replace(await honest(self, task, attempts), score=float(passes(task.id, attempts[-1].code)))

    patch.setattr(TestResults, "__call__", call)


def in_memory(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """A lesson is written with knowledge of the verdict."""
    honest = Reflector.reflect

    async def reflect(self: Reflector, task: Task, attempt: Attempt, feedback: str, **values: Any) -> str:
        lesson = await honest(self, task, attempt, feedback, **values)
        return f"It was right. {lesson}" if passes(task.id, attempt.code) else lesson

    patch.setattr(Reflector, "reflect", reflect)


def in_the_prover(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """What runs the model's own tests runs the hidden ones too."""
    honest = Proofs.check

    async def check(self: Proofs, task: Task, test: str, code: str) -> Check:
        return replace(await honest(self, task, test, code), passed=passes(task.id, code))

    patch.setattr(Proofs, "check", check)


def in_nothing(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """No leak."""


def in_resuming(patch: pytest.MonkeyPatch, passes: Passes) -> None:
    """A run that goes on leaves out what its ledger knows to be solved (Reflexion's `is_solved` in the log)."""
    honest = Ledger.finished

    def finished(self: Ledger) -> dict[tuple[str, str, int], str]:
        rows = self._db.execute("SELECT DISTINCT e.*, a.code FROM episodes e JOIN attempts a ON a.episode = e.id")
        solved = {(r["task_id"], r["arm"], r["repeat"]): "done" for r in rows if passes(r["task_id"], r["code"])}
        return {**honest(self), **solved}

    patch.setattr(Ledger, "finished", finished)


@pytest.mark.parametrize(
    "plant",
    [
        in_the_prompt,
        *(pytest.param(p, marks=pytest.mark.slow) for p in (in_the_stop, in_what_is_kept, in_memory, in_the_prover)),
    ],
)
async def test_a_leak_on_any_path_is_seen(lab: Any, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    tasks = lab.tasks(3)
    await leaky_run(lab, monkeypatch, "true", tasks, plant)
    await leaky_run(lab, monkeypatch, "garbage", with_garbage_tests(tasks), plant)
    assert lab.trajectories("garbage") != lab.trajectories("true")


CHOOSING = "none+gate=self_tests+stop=rounds+choose=best+rounds=4"
SEARCHING = "self_tests+stop=rounds+search=tree+width=2+choose=last+rounds=5"


@pytest.mark.parametrize(
    "arm",
    [CHOOSING, pytest.param("none+choose=majority+rounds=4", marks=pytest.mark.slow)],
)
async def test_a_choice_that_knows_is_seen_and_in_nothing_but_the_choice(
    lab: Any, monkeypatch: pytest.MonkeyPatch, arm: str
) -> None:
    true, garbage = await with_and_without(lab, monkeypatch, in_the_choice, arm)
    assert parts(true, "chosen") != parts(garbage, "chosen")
    assert parts(true, "parents") == parts(garbage, "parents")
    # All else is the same: nobody who compares attempts and prompts alone would see it.
    assert [{**episode, "choices": ()} for episode in true] == [{**episode, "choices": ()} for episode in garbage]


async def test_a_search_that_knows_is_seen_first_in_what_it_goes_on_from(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, garbage = await with_and_without(lab, monkeypatch, in_the_search, SEARCHING)
    assert parts(true, "parents") != parts(garbage, "parents")
    assert [episode["attempts"][0] for episode in true] == [episode["attempts"][0] for episode in garbage]


@pytest.mark.slow
@pytest.mark.parametrize("arm", [CHOOSING, SEARCHING])
async def test_without_a_leak_choice_and_search_are_the_same(
    lab: Any, monkeypatch: pytest.MonkeyPatch, arm: str
) -> None:
    true, garbage = await with_and_without(lab, monkeypatch, in_nothing, arm)
    assert true == garbage
    assert {len(episode["choices"]) for episode in true} <= {5, 6}


def parts(episodes: list[Any], part: str) -> list[list[int | None]]:
    return [[c.chosen if part == "chosen" else c.parent for c in episode["choices"]] for episode in episodes]


async def with_and_without(
    lab: Any, monkeypatch: pytest.MonkeyPatch, plant: Plant, arm: str
) -> tuple[list[Any], list[Any]]:
    """The episodes of one arm under a leak, with the sealed tests and with garbage."""
    tasks = lab.tasks(5)
    found = []
    for name, benchmark in (("true", tasks), ("garbage", with_garbage_tests(tasks))):
        await leaky_run(lab, monkeypatch, name, benchmark, plant, arm)
        found.append(list(lab.trajectories(name).values()))
    return found[0], found[1]


@pytest.mark.parametrize(
    ("plant", "same"), [pytest.param(in_nothing, True, marks=pytest.mark.slow), (in_resuming, False)]
)
async def test_a_run_that_goes_on_is_compared_too(
    lab: Any, monkeypatch: pytest.MonkeyPatch, plant: Plant, same: bool
) -> None:
    tasks = lab.tasks(3)
    for name, benchmark in (("true", tasks), ("garbage", with_garbage_tests(tasks))):
        cut = CutShort(lab.fickle(tasks), after=30)
        outcome = await lab.run(name, benchmark, arms=ARMS, model=cut, on_start=cut.start)
        assert outcome.open
        await leaky_run(lab, monkeypatch, name, benchmark, plant)
    assert (lab.trajectories("garbage") == lab.trajectories("true")) is same


async def leaky_run(
    lab: Any, monkeypatch: pytest.MonkeyPatch, name: str, benchmark: Benchmark, plant: Plant, arms: str = ARMS
) -> None:
    sealed = {pair.task.id: pair.sealed for pair in benchmark.tasks}

    def passes(task_id: str, code: str | None) -> bool:
        return bool(lab.judge.judge_sync(sealed[task_id], code).passed)

    with monkeypatch.context() as patch:
        plant(patch, passes)
        await lab.run(name, benchmark, arms=arms, model=lab.fickle())


class CutShort:
    """A fake that ends the run after so many calls."""

    def __init__(self, model: Any, after: int) -> None:
        self.model, self.left = model, after
        self.id, self.prompt_style = model.id, model.prompt_style
        self.runner: Runner | None = None

    def start(self, runner: Runner) -> None:
        self.runner = runner

    async def complete(self, request: Request) -> Completion:
        self.left -= 1
        if self.left == 0 and self.runner:
            self.runner.drain()
        completion: Completion = await self.model.complete(request)
        return completion

    async def aclose(self) -> None: ...
