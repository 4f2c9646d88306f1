"""A walk whose model calls a tool before it answers (fakes), and what came of each call."""

from __future__ import annotations

from typing import Any

from tests.graphs.walking import Walk

from banchu.agents.tools import BoxLimits, ToolBox, Toolset, tool
from banchu.core.chat import Completion, Request
from banchu.core.tool_record import ToolCallRecord
from banchu.graphs import NotCovered, build_graph
from banchu.graphs.state import pack

CALL = '```tool\n{"name": "tick", "arguments": {}}\n```'


class Talks(Walk):
    """A walk whose model calls a tool `turns` times before each answer, where it is offered one.

    Args:
        calls: in each of these turns.
        covered: calls of the model that a budget covers.
    """

    def __init__(self, *told: Any, turns: int = 1, calls: int = 1, covered: int = 10_000, **values: Any) -> None:
        super().__init__(*told, **values)
        self.records: list[ToolCallRecord] = []
        self.ticks = 0
        self.raising: list[Exception] = []
        self.uncovered: list[int] = []
        answer, asked = self.model.complete, 0

        async def complete(request: Request) -> Completion:
            nonlocal asked
            if self.raising:
                raise self.raising.pop()
            if asked >= covered:
                raise NotCovered
            asked += 1
            said = [message.role for message in request.prompt if not isinstance(message, str)]
            done = await answer(request)
            if "You may call tools" in request.prompt_text and said.count("assistant") - before(request) < turns:
                return Completion("\n".join([CALL] * calls), done.usage, "stop")
            return done

        self.model.complete = complete  # type: ignore[method-assign]
        self.tools = self.new_tools()

    def new_tools(self, **limits: int) -> Toolset:
        """Another box: none of its calls are made."""

        @tool
        def tick() -> str:
            """What never gives the same twice."""
            if self.ticks in self.uncovered:
                self.uncovered.remove(self.ticks)
                raise NotCovered
            self.ticks += 1
            return f"tick {self.ticks}"

        box = ToolBox([tick], limits=BoxLimits(**limits), sink=self.records.append, passing=(NotCovered,))
        return Toolset(box, {"actor": "text", "critic": "text"})

    async def path(self, **values: Any) -> list[str]:
        """The nodes in the order in which they ended."""
        graph = build_graph(self.arm, self.rounds)
        steps = graph.astream({"task": pack(self.task)}, context=self.context(), stream_mode="updates", **values)
        return [node async for step in steps for node in step]


def before(request: Request) -> int:
    """The assistant's messages in a prompt that are no part of the talk: answers that are shown."""
    text = request.prompt_text
    shown = sum(1 for message in request.prompt if not isinstance(message, str) and message.role == "assistant")
    return shown - text.count(f"[assistant]\n{CALL}")
