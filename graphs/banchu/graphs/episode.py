"""The compiled state machine of one episode, and how to run it.

    act ──► assess ──► reflect ──► act …       one attempt a round; `assess` asks the arm's feedback source
     └────────┴───────────┴──────► end          a stop rule, the last round, or a budget that covers no more

An arm that is shown nothing goes from attempt to attempt; an arm without memory skips `reflect`. Where the actor may
call tools there is `act ◄──► tools`, where the critic may, `assess ◄──► tools`.
"""

from __future__ import annotations

from typing import Any, cast

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Checkpointer
from langsmith import tracing_context

from banchu.core.arm import Arm
from banchu.core.errors import ConfigError
from banchu.core.task import Task
from banchu.graphs.context import EpisodeContext
from banchu.graphs.nodes import Nodes
from banchu.graphs.state import (
    ActView,
    AssessView,
    EpisodeInput,
    EpisodeOutput,
    EpisodeState,
    ReflectView,
    ToolsView,
    pack,
)
from banchu.graphs.talking import SUPERSTEPS, talkers

EpisodeGraph = CompiledStateGraph[EpisodeState, EpisodeContext, EpisodeInput, EpisodeOutput]


def build_graph(arm: Arm, rounds: int, checkpointer: Checkpointer = None) -> EpisodeGraph:
    """The graph of one arm. One invocation an episode, with an `EpisodeContext`.

    Args:
        arm: the condition; decides which nodes there are.
        rounds: attempts after the first, at least 0; an arm with a number of its own has that.
        checkpointer: any LangGraph checkpointer, for Studio and time travel. banchu's own ledger needs none.
    """
    if rounds < 0:
        raise ConfigError(f"rounds={rounds} is negative; 0 means one attempt and no revision")
    rounds = arm.rounds_in(rounds)
    if arm.search == "repair" and rounds and rounds < arm.width:
        raise ConfigError(
            f"arm {arm.name!r}: {arm.width} programs in {rounds} rounds leave none to repair; write "
            f"{arm.name}+rounds={2 * arm.width - 1}, or a smaller width"
        )
    nodes = Nodes(arm, rounds)
    graph: StateGraph[EpisodeState, EpisodeContext, EpisodeInput, EpisodeOutput] = StateGraph(
        EpisodeState, EpisodeContext, input_schema=EpisodeInput, output_schema=EpisodeOutput
    )
    talks = talkers(arm)
    by_actor, by_critic = (("tools",) if node in talks else () for node in ("act", "assess"))
    ends = ("assess", "__end__") if nodes.assesses else ("act", "__end__")
    graph.add_node("act", nodes.act, input_schema=ActView, destinations=(*ends, *by_actor))
    graph.add_edge(START, "act")
    if talks:
        graph.add_node("tools", nodes.tools, input_schema=ToolsView, destinations=talks)
    if nodes.assesses:
        after = ("reflect" if arm.window else "act", "__end__", *by_critic)
        graph.add_node("assess", nodes.assess, input_schema=AssessView, destinations=after)
        if arm.window:
            graph.add_node("reflect", nodes.reflect, input_schema=ReflectView, destinations=("act", "__end__"))
    compiled = graph.compile(checkpointer=checkpointer, name=f"episode[{arm.name}]")
    # Three supersteps a round at most, and those of talks with tools. LangGraph's own default is 10007, which protects
    # nobody's bill.
    return compiled.with_config(recursion_limit=(3 + SUPERSTEPS * len(talks)) * (rounds + 1) + 1)


async def run_episode(graph: EpisodeGraph, task: Task, context: EpisodeContext) -> EpisodeOutput:
    """Walk one episode to its end. Errors of models and judge come through as they are."""
    # A shell with LANGSMITH_TRACING=true would upload every prompt; nobody asked for that here.
    with tracing_context(enabled=False):
        output: dict[str, Any] = await graph.ainvoke({"task": pack(task)}, context=context)
    return cast(EpisodeOutput, output)
