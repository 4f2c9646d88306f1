"""A conversation with a model that may call tools, until it answers: what actor and critic ask with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from banchu.agents.tools.speech import Said, Way, answer, offer, read
from banchu.agents.tools.toolbox import ToolBox, ToolResult
from banchu.core.chat import Completion, Message, Request, Tool, ToolCall, Usage
from banchu.models.protocol import Model

MAX_TURNS: Final = 8
LAST: Final = "\n\nNo more calls after this. Give your answer now."


@dataclass(frozen=True, slots=True)
class Conversation:
    """How it went."""

    completion: Completion
    """The answer; its text holds no calls that were run. Calls in it came after the last turn, and nobody made them."""
    messages: tuple[Message, ...]
    """The prompt and all turns, without the answer."""
    n_calls: int


async def converse(
    model: Model, request: Request, box: ToolBox, way: Way, *, max_turns: int = MAX_TURNS
) -> Conversation:
    """Ask, run what the model calls, one after the other, and ask again.

    Args:
        request: a chat.
        max_turns: answers of the model at most, the last included; 1 is an answer without tools.

    Raises:
        ModelError: a call of the model failed.
        ToolError: what runs a tool failed.
    """
    asked, before = offer(request, box.offers if max_turns > 1 else (), way), box.n_calls
    for turn in range(max_turns):
        completion = await model.complete(asked)
        said = read(completion, box.offers, way) if box.tools else None
        if said is None or not said.calls or turn == max_turns - 1:
            break
        made = box.n_calls
        results = [
            await box.call(call.name, call.arguments, role=request.role, round=request.round) for call in said.calls
        ]
        if turn == max_turns - 2:
            results[-1] = ToolResult(results[-1].text + LAST, results[-1].outcome)
        assert not isinstance(asked.prompt, str)
        asked = replace(asked, prompt=(*asked.prompt, *answer(completion, said, results, way, before=made - before)))
    assert not isinstance(asked.prompt, str)
    return Conversation(completion, asked.prompt, box.n_calls - before)


def digest(way: Way) -> str:
    """sha256 over what this adds to prompts in a way of calling: for the ledger, beside that of the prompts."""
    tool, call = Tool("name", "What for."), ToolCall("name", "{}")
    asked = offer(Request((Message("user", "question"),)), [tool], way).prompt_text
    turns = answer(Completion("", Usage(), "stop"), Said("", (call,)), [ToolResult("result", "answered")], way)
    return hashlib.sha256("\0".join([way, asked, *(turn.text for turn in turns), LAST]).encode()).hexdigest()
