"""What goes to a model and what comes back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
CallRole = Literal["actor", "critic", "reflector", "tester"]
FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Role
    content: str


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
class Request:
    """One call. `prompt` is a chat, or raw text for a model that is asked to continue it."""

    prompt: str | tuple[Message, ...]
    sampling: Sampling = Sampling()
    role: CallRole = "actor"
    """Who asks. For the ledger only: not part of the key, never sent."""
    round: int = 0
    """In which round. For the ledger only, as above."""

    @property
    def prompt_text(self) -> str:
        """All text that the model will see, for the ledger and the scan for sealed text."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n\n".join(f"[{m.role}]\n{m.content}" for m in self.prompt)

    def key(self, model: str) -> str:
        """sha256 over the model and everything that may change the answer; equal keys are bought once."""
        prompt = self.prompt if isinstance(self.prompt, str) else [[m.role, m.content] for m in self.prompt]
        content = json.dumps([model, prompt, asdict(self.sampling)], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the model's own tokenizer or server counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer."""

    text: str
    usage: Usage
    finish_reason: FinishReason
    """`length` means that the answer was cut by `max_tokens`."""
    wall_s: float = 0.0
