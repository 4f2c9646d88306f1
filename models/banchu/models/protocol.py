"""What banchu asks of a model."""

from __future__ import annotations

from typing import Literal, Protocol

from banchu.core.chat import Completion, Request

PromptStyle = Literal["chat", "completion"]
"""How to ask for code. `completion`: raw text that ends inside the function, for small models that close an empty
fence when asked in a chat. Critiques and reflections are asked in a chat either way."""


class NotSent(Exception):
    """The model is drained, and this request never went out. No answer and no failure: nothing of it is kept."""


class Model(Protocol):
    """Messages or text in; text, usage and finish reason out.

    A model whose calls wait for a limit may also have `drain()`, after which those that wait raise NotSent; one that
    has something to say of its calls, `notes`, lines of text; one that may not fit into this machine, `prepare()`,
    which raises ModelError before a run begins; one that takes tools natively, `takes_tools`. See `Around`.
    """

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


class Around:
    """A model around another one: all of it is the other's, but what a subclass does in `complete`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def id(self) -> str:
        return self._model.id

    @property
    def prompt_style(self) -> PromptStyle:
        return self._model.prompt_style

    async def complete(self, request: Request) -> Completion:
        return await self._model.complete(request)

    async def prepare(self) -> list[str]:
        """What can be found out before the first call. Returns what the user should know. Raises ModelError."""
        prepare = getattr(self._model, "prepare", None)
        return list(await prepare()) if prepare else []

    @property
    def takes_tools(self) -> bool:
        """Whether tools on offer can be sent with a request, as far as is known before the first."""
        return bool(getattr(self._model, "takes_tools", False))

    @property
    def notes(self) -> list[str]:
        """What there is to say of the calls so far."""
        return list(getattr(self._model, "notes", ()))

    def drain(self) -> None:
        """Send nothing more: calls that wait raise NotSent."""
        if drain := getattr(self._model, "drain", None):
            drain()

    async def aclose(self) -> None:
        await self._model.aclose()
