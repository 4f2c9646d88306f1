"""What banchu asks of a model."""

from __future__ import annotations

from typing import Literal, Protocol

from banchu.core.chat import Completion, Request

PromptStyle = Literal["chat", "completion"]
"""How to ask for code. `completion`: raw text that ends inside the function, for small models that close an empty
fence when asked in a chat. Critiques and reflections are asked in a chat either way."""


class Model(Protocol):
    """Messages or text in; text, usage and finish reason out."""

    @property
    def id(self) -> str:
        """Names what answers: provider, model, weights. Part of every request's key, so it must change with them."""
        ...

    @property
    def prompt_style(self) -> PromptStyle: ...

    async def complete(self, request: Request) -> Completion:
        """One answer. The same request gives the same answer where the provider allows it.

        Raises:
            ModelError: the call failed for good; `fatal` when every other call would fail alike.
            ContextOverflow: the prompt does not fit.
        """
        ...

    async def aclose(self) -> None:
        """Release processes, sockets and memory. Idempotent."""
        ...
