"""A node that asks a model with tools asks it once. Where the answer calls tools, the node ends there, `tools` makes
the calls, and the node is entered again: it makes the same prompt of the same state, and adds what was said since.

So nothing that a node does before it asks such a model may have an effect, or ask another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

from banchu.agents.tools import Talk, Toolset
from banchu.agents.tools.talk import MAX_TURNS, answered, asked, called
from banchu.core.arm import Arm
from banchu.core.chat import CallRole, Completion, Request
from banchu.graphs.context import EpisodeContext, NotCovered
from banchu.graphs.state import ActView, AssessView, ToolsView
from banchu.models.protocol import Around, Model

Talker = Literal["act", "assess"]
"""A node that may talk with tools."""
_ROLES: Final[dict[Talker, CallRole]] = {"act": "actor", "assess": "critic"}
SUPERSTEPS: Final = 2 * (MAX_TURNS - 1)
"""Of one talk, beyond that of its answer."""


class CallsTools(Exception):
    """Raised in the place of an answer: the model calls tools first."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(f"the {talk.role} calls tools")
        self.talk = talk


def talkers(arm: Arm) -> tuple[Talker, ...]:
    """The nodes of an arm whose model may call tools."""
    may: dict[Talker, bool] = {"act": arm.tools == "actor", "assess": arm.source == "tools"}
    return tuple(node for node, talks in may.items() if talks)


def talking(arm: Arm, node: Talker, context: EpisodeContext, state: ActView | AssessView) -> EpisodeContext:
    """The context for one turn in a node: actor or critic, where it has tools, asks for the next turn of the talk."""
    if node not in talkers(arm):
        return context
    tools, plain = tools_of(arm, context), state.get("talk")
    talk = Talk.from_json(plain) if plain else None
    turn = _Turn(context.actor.model if node == "act" else context.critic.model, tools, talk, state.get("called", 0))
    if node == "act":
        return replace(context, actor=replace(context.actor, model=turn))
    return replace(context, critic=replace(context.critic, model=turn))


def tools_of(arm: Arm, context: EpisodeContext) -> Toolset:
    if context.tools is None:
        raise ValueError(f"arm {arm.name!r} needs tools, and the episode was handed none")
    return context.tools


def begun(talk: Talk) -> dict[str, Any]:
    """The update before `tools`."""
    return {"talk": talk.to_json()}


def ended(state: ActView | AssessView) -> dict[str, Any]:
    """The update of a node that has its answer, or gets none."""
    return {"talk": None} if state.get("talk") else {}


async def told(arm: Arm, context: EpisodeContext, state: ToolsView) -> tuple[dict[str, Any], Talker]:
    """The update of `tools`, and the node to go back to."""
    talk = Talk.from_json(state["talk"])
    try:
        talk = await answered(talk, tools_of(arm, context))
    except NotCovered:  # by a tool that asks a model
        talk = replace(talk, over=True)
    back: Talker = next(node for node, role in _ROLES.items() if role == talk.role)
    return {"talk": talk.to_json(), "called": talk.made + talk.calls}, back


class _Turn(Around):
    """A model for one turn of a talk.

    Args:
        talk: so far; None: this is its first turn.
        made: calls of the episode before it.
    """

    def __init__(self, model: Model, tools: Toolset, talk: Talk | None, made: int) -> None:
        super().__init__(model)
        self._tools, self._talk, self._made = tools, talk, made

    async def complete(self, request: Request) -> Completion:
        """The answer. Raises CallsTools where there is none yet, and NotCovered."""
        talk = self._talk or Talk(request.role, request.round, self._made)
        try:
            if talk.over:
                raise NotCovered
            completion = await super().complete(asked(request, talk, self._tools))
        except NotCovered:
            if not talk.turns or talk.role != "actor" or talk.round:
                raise
            return talk.last  # an episode needs an attempt, and this was paid for
        if further := called(completion, talk, self._tools):
            raise CallsTools(further)
        return completion
