"""A chat model of LangChain as a model of ours: `--model FILE.py:NAME` where NAME is a `BaseChatModel`.

Nothing is imported before one is asked, and then what turns LangSmith off: a tracer that the file itself hands to the
model stays, and nothing else of LangChain's tracing is done.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any, Final, cast

from banchu.core.chat import Completion, FinishReason, Request, Usage
from banchu.core.errors import ConfigError, ModelError
from banchu.models.protocol import PromptStyle

_CUT: Final = {"length": "length", "max_tokens": "length", "MAX_TOKENS": "length", "content_filter": "content_filter"}


def is_chat_model(found: object) -> bool:
    """Whether an object is a chat model of LangChain, told without importing it."""
    return not isinstance(found, type) and any(
        base.__module__ == "langchain_core.language_models.chat_models" and base.__name__ == "BaseChatModel"
        for base in type(found).__mro__
    )


class LangChainModel:
    """Asks `model` in a chat; its own retries and limits are its own affair.

    The same request gives the same answer only where the model takes a seed. Tokens are what it reports, or 0.

    Raises:
        ConfigError: asked to continue raw text, which a chat model cannot.
    """

    def __init__(self, model: Any, prompt_style: PromptStyle = "chat") -> None:
        if prompt_style != "chat":
            raise ConfigError("--style completion: a chat model of LangChain continues no raw text; use --style chat")
        self._model = model
        told = json.dumps(model._identifying_params, sort_keys=True, default=str)
        name = next((getattr(model, key) for key in ("model_name", "model") if getattr(model, key, "")), "")
        digest = hashlib.sha256(told.encode()).hexdigest()[:12]
        self._id = f"langchain:{model._llm_type}{f':{name}' if name else ''}@{digest}"

    @property
    def id(self) -> str:
        """Kind and name, and a digest of what the model says identifies it."""
        return self._id

    @property
    def prompt_style(self) -> PromptStyle:
        return "chat"

    async def complete(self, request: Request) -> Completion:
        if request.extras:
            raise ModelError(f"{self.id} is asked for text only, not for {', '.join(request.extras)}", fatal=True)
        if request.answers_calls:
            raise ModelError(f"{self.id} takes no messages of tools; let it write its calls as text", fatal=True)
        if isinstance(request.prompt, str):
            raise ModelError(f"{self.id}: a chat model continues no raw text", fatal=True)
        from langsmith import tracing_context  # comes with LangChain

        sampling = request.sampling
        messages = [(message.role, message.content) for message in request.prompt]
        begun = time.monotonic()
        try:
            # LangSmith's variables in somebody's shell are no wish to send these prompts anywhere.
            with tracing_context(enabled=False):
                answer = await self._model.ainvoke(
                    messages,
                    stop=list(sampling.stop) or None,
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    max_tokens=sampling.max_tokens,
                    seed=sampling.seed,
                )
        except Exception as error:  # noqa: BLE001  # each provider has errors of its own
            raise ModelError(f"{self.id}: {type(error).__name__}: {' '.join(str(error).split())[:300]}") from None
        told = getattr(answer, "response_metadata", None) or {}
        reason = _CUT.get(str(told.get("finish_reason") or told.get("stop_reason") or ""), "stop")
        return Completion(_text(answer.content), _usage(answer), cast(FinishReason, reason), time.monotonic() - begun)

    async def aclose(self) -> None:
        """Nothing: whoever made the model owns it."""


def _text(content: Any) -> str:
    """The text of an answer, which may come in blocks; thoughts and calls of tools are left out."""
    if isinstance(content, str):
        return content
    return "".join(
        block if isinstance(block, str) else str(block.get("text", "")) if block.get("type") == "text" else ""
        for block in content
    )


def _usage(answer: Any) -> Usage:
    told = getattr(answer, "usage_metadata", None) or {}
    thought = (told.get("output_token_details") or {}).get("reasoning") or 0
    return Usage(told.get("input_tokens") or 0, told.get("output_tokens") or 0, thought)
