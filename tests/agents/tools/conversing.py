"""A talk outside of an episode: the steps of `banchu.agents.tools.talk`, one after the other, until there is an answer.

Between two steps a talk is kept as a checkpoint keeps it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from banchu.agents.tools import Talk, ToolBox, Toolset
from banchu.agents.tools.speech import Way
from banchu.agents.tools.talk import answered, asked, called
from banchu.core.chat import Completion, Message, Request
from banchu.models import Model


@dataclass(frozen=True, slots=True)
class Conversation:
    """How it went."""

    completion: Completion
    messages: tuple[Message, ...]
    """All that the model saw before its answer."""
    n_calls: int


async def converse(model: Model, request: Request, box: ToolBox, way: Way) -> Conversation:
    """Raises ModelError and ToolError."""
    tools, talk = Toolset(box, {request.role: way}), Talk(request.role, request.round)
    while True:
        told = asked(request, talk, tools)
        completion = await model.complete(told)
        if (further := called(completion, talk, tools)) is None:
            assert not isinstance(told.prompt, str)
            return Conversation(completion, told.prompt, talk.calls)
        talk = kept(await answered(kept(further), tools))


def kept(talk: Talk) -> Talk:
    """Written down, and read again."""
    plain = talk.to_json()
    read = json.loads(json.dumps(plain))
    assert read == plain
    assert Talk.from_json(read) == talk
    return Talk.from_json(read)
