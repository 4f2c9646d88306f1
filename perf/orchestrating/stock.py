"""The same three calls an episode in a plain LangGraph graph: without a saver, or with the stock SQLite saver.

python perf/orchestrating/stock.py EPISODES ROUNDS IN_FLIGHT SLEEP_S none|sqlite

Two nodes a round, actor and reflector, as banchu's; nothing is judged, and no ledger is kept.
"""

from __future__ import annotations

import asyncio
import operator
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Command
from langsmith import tracing_context

from orchestrating.clock import kib, measured
from orchestrating.ours import PROGRAM


class State(TypedDict, total=False):
    """Of one episode."""

    attempts: Annotated[list[str], operator.add]
    feedback: str


def graph(rounds: int, sleep_s: float, saver: Any) -> Any:
    """The compiled graph."""

    async def act(state: State) -> Command[Any]:
        await asyncio.sleep(sleep_s)
        made = len(state.get("attempts", ())) + 1
        return Command(update={"attempts": [PROGRAM]}, goto="assess" if made < rounds else "__end__")

    async def assess(state: State) -> Command[Any]:
        return Command(update={"feedback": "Your answer may be wrong. Try again."}, goto="act")

    built: StateGraph[State] = StateGraph(State)
    built.add_node("act", act, destinations=("assess", "__end__"))
    built.add_node("assess", assess, destinations=("act",))
    built.add_edge(START, "act")
    return built.compile(checkpointer=saver)


async def walk(episodes: int, rounds: int, in_flight: int, sleep_s: float, saver: Any) -> None:
    """All episodes, so many at a time."""
    compiled = graph(rounds, sleep_s, saver)
    queue = iter(range(episodes))

    async def worker() -> None:
        for number in queue:
            with tracing_context(enabled=False):
                await compiled.ainvoke({"attempts": []}, {"configurable": {"thread_id": str(number)}})

    await asyncio.gather(*(worker() for _ in range(in_flight)))


async def main() -> None:
    episodes, rounds, in_flight, sleep_s, kind = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            saver = None
            if kind == "sqlite":
                from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

                file = str(Path(folder) / "checkpoints.sqlite")
                saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(file))
            with measured() as found:
                await walk(int(episodes), int(rounds), int(in_flight), float(sleep_s), saver)
        found["kib"] = kib(folder)
    found.print()


if __name__ == "__main__":
    asyncio.run(main())
