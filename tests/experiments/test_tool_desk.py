"""An episode with tools: when its models are asked, and what its examples tell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from banchu.core.chat import Message, Request
from banchu.core.episode import Check
from banchu.core.task import Task
from banchu.experiments.tools.desk import AfterCommit, AtPlace, Examples, Place
from banchu.graphs.context import Prover
from banchu.models.scripted import ScriptedModel


async def test_a_model_is_asked_when_every_record_is_safe_and_not_before() -> None:
    """Its prompt holds their results: a process that is killed then must be able to tell them again."""
    model, place = ScriptedModel(lambda request: "done"), Place()
    records = [asyncio.get_running_loop().create_future() for _ in range(2)]
    asked = asyncio.create_task(
        AfterCommit(model, [*records], place).complete(Request((Message("user", "?"),), role="critic", round=2))
    )
    for record in records:
        await asyncio.sleep(0.01)
        assert model.calls == 0
        record.set_result(None)
    assert (await asked).text == "done"
    assert (place.role, place.round) == ("critic", 2)


async def test_a_tool_that_asks_a_model_does_so_in_the_round_of_its_call() -> None:
    rounds: list[int] = []

    def reply(request: Request) -> str:
        rounds.append(request.round)
        return "yes"

    place = Place()
    helper = AtPlace(ScriptedModel(reply), place)
    for place.round in (0, 3):
        await helper.complete(Request((Message("user", "?"),), role="critic"))
    assert rounds == [0, 3]


async def test_an_example_s_output_is_told_within_bounds() -> None:
    class Loud:
        async def check(self, tests: Sequence[str], code: str) -> list[Check]:
            return [Check(test, False, output="x" * 5000) for test in tests]

    task = Task("T/1", "bench", "def f(x):\n", "f", examples=("assert f(1) == 2",))
    (told,) = await Examples(task, cast(Prover, Loud())).run("def f(x): ...")
    assert (told.test, told.passed, told.detail.count("x")) == ("assert f(1) == 2", False, 300)
