"""`Talk`: a conversation with tools that is under way, as plain data, and its steps. Whoever asks the model goes from
one to the other: in an episode that is the graph, whose state keeps the talk between two steps.

    asked ──► the model ──► called ──► it is the answer
      ▲                        │ it calls tools
      └──────── answered ◄─────┘
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from banchu.agents.tools.speech import Said, Way, answer, offer, read
from banchu.agents.tools.toolbox import ToolBox, ToolResult
from banchu.core.chat import CallRole, Completion, FinishReason, Message, Request, Tool, ToolCall, Usage

MAX_TURNS: Final = 8
"""Answers of the model at most, the last included, whose calls nobody makes."""
LAST: Final = "\n\nNo more calls after this. Give your answer now."
CHECK: Final = "\n\nCheck the answer with the tools first, and then write your review."
"""What a critic with tools is told besides."""


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of an episode, and how each role that may call them does."""

    box: ToolBox
    ways: Mapping[CallRole, Way]


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said since the prompt."""

    role: CallRole
    """Who talks."""
    round: int
    made: int = 0
    """Calls of the episode before this talk."""
    messages: tuple[Message, ...] = ()
    """Answers that called tools, and what they were told."""
    turns: int = 0
    """Answers so far."""
    calls: int = 0
    """Calls that were answered."""
    text: str = ""
    """The last answer, as the model gave it."""
    finish_reason: FinishReason = "stop"
    """Of the last answer."""
    said: Said | None = None
    """The last answer taken apart; None: its calls are answered."""
    over: bool = False
    """No further call of a model is covered."""

    @property
    def last(self) -> Completion:
        """What the model said last, for where it is not asked again. It is charged already."""
        return Completion(self.text, Usage(), self.finish_reason)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: no tuples."""
        # Not asdict: it took a third of the time that the loop adds to a call.
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        plain["messages"] = [_plain(message) for message in self.messages]
        plain["said"] = self.said and {"text": self.said.text, "calls": [_plain(call) for call in self.said.calls]}
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Talk:
        """What `to_json` gave."""
        messages = tuple(Message(**{**each, "tool_calls": _calls(each["tool_calls"])}) for each in plain["messages"])
        said = Said(plain["said"]["text"], _calls(plain["said"]["calls"])) if plain["said"] else None
        return cls(**{**plain, "messages": messages, "said": said})


def asked(request: Request, talk: Talk, tools: Toolset) -> Request:
    """The next request of a talk: tools on offer, and all that was said since.

    Args:
        request: what is asked where there are no tools; a chat.

    Raises:
        ModelError: it is raw text.
    """
    if request.role == "critic" and not isinstance(request.prompt, str):
        *before, last = request.prompt
        request = replace(request, prompt=(*before, replace(last, content=last.content + CHECK)))
    request = offer(request, tools.box.offers, tools.ways[talk.role])
    assert not isinstance(request.prompt, str)
    return replace(request, prompt=(*request.prompt, *talk.messages))


def called(completion: Completion, talk: Talk, tools: Toolset) -> Talk | None:
    """The talk with calls to be answered; None: this is the answer. Calls in it came after the last turn, and nobody
    makes them."""
    turns = talk.turns + 1
    if turns >= MAX_TURNS or not tools.box.tools:
        return None
    said = read(completion, tools.box.offers, tools.ways[talk.role])
    if not said.calls:
        return None
    return replace(talk, turns=turns, text=completion.text, finish_reason=completion.finish_reason, said=said)


async def answered(talk: Talk, tools: Toolset) -> Talk:
    """Make the calls of the last answer, one after the other, and tell the model.

    Raises:
        ToolError: what runs a tool failed.
    """
    if talk.said is None:
        return talk
    tools.box.goes_on(talk.made + talk.calls)
    results = [
        await tools.box.call(call.name, call.arguments, role=talk.role, round=talk.round) for call in talk.said.calls
    ]
    if talk.turns == MAX_TURNS - 1:
        results[-1] = ToolResult(results[-1].text + LAST, results[-1].outcome)
    told = answer(talk.last, talk.said, results, tools.ways[talk.role], before=talk.calls)
    return replace(talk, messages=(*talk.messages, *told), calls=talk.calls + len(results), said=None)


def digest(way: Way) -> str:
    """sha256 over what this adds to prompts in a way of calling: for the ledger, beside that of the prompts."""
    tool, call = Tool("name", "What for."), ToolCall("name", "{}")
    request = offer(Request((Message("user", "question"),)), [tool], way).prompt_text
    turns = answer(Completion("", Usage(), "stop"), Said("", (call,)), [ToolResult("result", "answered")], way)
    return hashlib.sha256("\0".join([way, request, *(turn.text for turn in turns), LAST]).encode()).hexdigest()


def _plain(part: Message | ToolCall) -> dict[str, Any]:
    plain = {name: getattr(part, name) for name in part.__slots__}
    if "tool_calls" in plain:
        plain["tool_calls"] = [_plain(call) for call in plain["tool_calls"]]
    return plain


def _calls(plain: list[dict[str, str]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**each) for each in plain)
