"""A graph with tools under a LangGraph checkpointer: what it keeps, and that no tool is called twice for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from tests.graphs.talks import Talks
from tests.graphs.walking import TASK, WRONG, Walk

from banchu.core.errors import ModelError
from banchu.graphs import build_graph
from banchu.graphs.state import pack

THREAD: Any = {"configurable": {"thread_id": "1"}}
Savers = Callable[[], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def in_memory() -> Any:
    yield InMemorySaver()


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Savers:
    if request.param == "memory":
        return in_memory
    return lambda: AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.sqlite"))


def plain_prompts(walk: Walk) -> list[str]:
    return [request.prompt_text for request in walk.requests]


@pytest.mark.parametrize("arm", ["none+tools=actor", "tools"])
async def test_a_graph_stopped_between_tools_and_the_model_goes_on_without_calling_again(
    arm: str, saver: Savers
) -> None:
    whole, cut = (Talks(arm, [WRONG], rounds=1, turns=2) for _ in range(2))
    await whole()
    async with saver() as kept:
        graph = build_graph(cut.arm, cut.rounds, kept)
        given: Any = {"task": pack(TASK)}
        for _ in range(20):
            state = await graph.ainvoke(given, THREAD, context=cut.context(), interrupt_after=["tools"])
            given = None
            if not (await graph.aget_state(THREAD)).next:
                break
            cut.tools = cut.new_tools()  # who goes on has another box
    assert state["stopped_by"] == "rounds"
    assert cut.ticks == whole.ticks > 1
    assert [record.index for record in cut.records] == [record.index for record in whole.records]
    assert plain_prompts(cut) == plain_prompts(whole)
    assert cut.sink.log == whole.sink.log


@pytest.mark.parametrize("arm", ["none+tools=actor", "tools"])
async def test_a_graph_whose_model_fails_once_goes_on_from_its_checkpoint(arm: str, saver: Savers) -> None:
    whole, cut = (Talks(arm, [WRONG], rounds=1) for _ in range(2))
    await whole()
    async with saver() as kept:
        graph = build_graph(cut.arm, cut.rounds, kept)
        await graph.ainvoke({"task": pack(TASK)}, THREAD, context=cut.context(), interrupt_after=["tools"])
        cut.raising.append(ModelError("the server has gone away"))
        with pytest.raises(ModelError, match="gone away"):
            await graph.ainvoke(None, THREAD, context=cut.context())
        assert cut.ticks == 1
        await graph.ainvoke(None, THREAD, context=cut.context())
    assert cut.ticks == whole.ticks
    assert plain_prompts(cut) == plain_prompts(whole)
    assert cut.sink.log == whole.sink.log


async def test_calls_of_an_episode_are_counted_across_a_checkpoint() -> None:
    walk = Talks("none+tools=actor", [WRONG], rounds=1, turns=3)
    graph = build_graph(walk.arm, walk.rounds, InMemorySaver())
    given: Any = {"task": pack(TASK)}
    while given or (await graph.aget_state(THREAD)).next:
        walk.tools = walk.new_tools(max_calls=4)
        await graph.ainvoke(given, THREAD, context=walk.context(), interrupt_after=["tools"])
        given = None
    assert [record.outcome for record in walk.records] == ["answered"] * 4 + ["limit"] * 2


async def test_the_state_is_plain_json_and_a_talk_that_is_over_is_cleared() -> None:
    saver = InMemorySaver()
    walk = Talks("tools+tools=actor", [WRONG], rounds=1, turns=2, calls=2)
    graph = build_graph(walk.arm, walk.rounds, saver)
    await graph.ainvoke({"task": pack(TASK)}, THREAD, context=walk.context())
    history = [each async for each in graph.aget_state_history(THREAD)]
    assert [each.values.get("called", 0) for each in reversed(history)][-1] == 12
    assert history[0].values["talk"] is None
    talks = [each.values.get("talk") for each in reversed(history)]
    assert [talk for talk in talks if talk] == json.loads(json.dumps([talk for talk in talks if talk]))
    assert {talk["role"] for talk in talks if talk} == {"actor", "critic"}
    for snapshot in history:  # nobody enters a node with what another one was told
        talk = snapshot.values.get("talk")
        if talk and "act" in snapshot.next:
            assert talk["role"] == "actor"
        if talk and "assess" in snapshot.next:
            assert talk["role"] == "critic"
        assert talk is None or set(snapshot.next) <= {"act", "assess", "tools"}
