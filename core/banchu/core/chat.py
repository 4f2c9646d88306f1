"""What goes to a model and what comes back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
CallRole = Literal["actor", "critic", "reflector", "tester"]
FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asks to have called."""

    name: str
    arguments: str
    """JSON as the model wrote it, which may not parse."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat. An assistant's may hold calls of tools; each is answered by a message of role `tool`."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """What the assistant asked to have called."""
    call_id: str = ""
    """Of a tool's message: the id of the call that it answers."""
    tool: str = ""
    """Of a tool's message: the tool's name, which some chat templates want."""

    @property
    def plain(self) -> list[Any]:
        """[role, content], and a third member with all else where there is any: what keys and processes are told."""
        calls = [asdict(call) for call in self.tool_calls]
        rest = {"tool_calls": calls, "call_id": self.call_id, "tool": self.tool}
        told = {name: value for name, value in rest.items() if value}
        return [self.role, self.content, told] if told else [self.role, self.content]

    @property
    def text(self) -> str:
        """The content, and below it the calls that it holds, for the ledger and for people."""
        parts = [self.content] if self.content or not self.tool_calls else []
        return "\n".join([*parts, *(f"[call {call.name}] {call.arguments}" for call in self.tool_calls)])


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. The seed is always explicit: the same request must give the same answer."""

    temperature: float = 0.2
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask to have called."""

    name: str
    description: str
    parameters: str = '{"type": "object", "properties": {}}'
    """The JSON Schema of its arguments, as JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `prompt` is a chat, or raw text for a model that is asked to continue it."""

    prompt: str | tuple[Message, ...]
    sampling: Sampling = Sampling()
    role: CallRole = "actor"
    """Who asks. For the ledger only: not part of the key, never sent."""
    round: int = 0
    """In which round. For the ledger only, as above."""
    tools: tuple[Tool, ...] = ()
    """What the model may ask to have called; chats only."""
    answer_schema: str = ""
    """The JSON Schema that the answer must fit, as JSON; "": none."""
    prefill: str = ""
    """How the answer begins. The completion's text is what follows; chats only."""
    logprobs: int | None = None
    """Log-probabilities of the answer's tokens, each beside so many alternatives; None: not asked for."""

    @property
    def extras(self) -> dict[str, Any]:
        """What is asked for beyond text, by name; a model that does not know one must refuse it, not pass over it."""
        found = {
            "tools": [asdict(tool) for tool in self.tools],
            "answer_schema": self.answer_schema,
            "prefill": self.prefill,
            "logprobs": self.logprobs,
        }
        return {name: value for name, value in found.items() if value not in ([], "", None)}

    @property
    def answers_calls(self) -> bool:
        """Whether messages hold calls of tools or answer them, which not every model knows how to read."""
        return not isinstance(self.prompt, str) and any(m.role == "tool" or m.tool_calls for m in self.prompt)

    @property
    def prompt_text(self) -> str:
        """All text that the model will see, for the ledger and the scan for sealed text."""
        if isinstance(self.prompt, str):
            return self.prompt
        parts = [f"[{m.role}]\n{m.text}" for m in self.prompt]
        parts += [f"[tool {tool.name}]\n{tool.description}\n{tool.parameters}" for tool in self.tools]
        parts += [f"[answer schema]\n{self.answer_schema}"] if self.answer_schema else []
        parts += [f"[assistant]\n{self.prefill}"] if self.prefill else []
        return "\n\n".join(parts)

    def key(self, model: str) -> str:
        """sha256 over the model and everything that may change the answer; equal keys are bought once."""
        prompt = self.prompt if isinstance(self.prompt, str) else [m.plain for m in self.prompt]
        parts: list[Any] = [model, prompt, asdict(self.sampling)]
        if extras := self.extras:  # a request without them keeps the key it had before there were any
            parts.append(extras)
        content = json.dumps(parts, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the model's own tokenizer or server counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    """Of the completion tokens, those that are no part of the text."""

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token of an answer, its natural log-probability, and the likeliest tokens in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer."""

    text: str
    usage: Usage
    finish_reason: FinishReason
    """`length` means that the answer was cut by `max_tokens`."""
    wall_s: float = 0.0
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    """Empty where none were asked for, or the server gave none."""
