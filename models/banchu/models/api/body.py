"""A request as the JSON that goes to the server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from banchu.core.chat import Message, Request
from banchu.core.errors import ModelError
from banchu.models.turns import arguments_json

_CONTINUE: Final = {"continue_final_message": True, "add_generation_prompt": False}
"""vLLM, SGLang and `transformers serve` continue the last message only when told; llama.cpp and Ollama do so unasked.
A server that refuses these fields does not continue a given start."""


def path_of(request: Request) -> str:
    return "/completions" if isinstance(request.prompt, str) else "/chat/completions"


def body_of(request: Request, model: str) -> dict[str, Any]:
    """All fields, before the model's own dialect.

    Raises:
        ModelError: raw text with tools, a schema or a prefill, or JSON in the request that is none.
    """
    sampling = request.sampling
    body: dict[str, Any] = {"model": model}
    if isinstance(request.prompt, str):
        if barred := sorted(request.extras.keys() - {"logprobs"}):
            raise ModelError(f"a prompt of raw text takes no {', '.join(barred)}; ask in a chat")
        body["prompt"] = request.prompt
    else:
        body["messages"] = [_message(message) for message in request.prompt]
    body |= {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    return body | _extras(request)


def idempotency_key(url: str, body: Mapping[str, Any]) -> str:
    """Equal for equal requests to one endpoint, also after a restart; another one as soon as anything sent differs."""
    content = json.dumps([url, body], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _extras(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if request.tools:
        fields["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": _json(tool.parameters, f"the parameters of tool {tool.name!r}"),
                },
            }
            for tool in request.tools
        ]
    if request.answer_schema:
        schema = _json(request.answer_schema, "the answer's schema")
        fields["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    if request.logprobs is not None:
        if isinstance(request.prompt, str):
            fields["logprobs"] = request.logprobs
        else:
            fields |= {"logprobs": True, "top_logprobs": request.logprobs}
    return fields


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "content": message.content, "tool_call_id": message.call_id}
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        # As they were written where that is JSON: vLLM and llama.cpp refuse a chat with arguments that are none.
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_json(call)}}
            for call in message.tool_calls
        ]
        sent["content"] = message.content or None
    return sent


def prefilled(body: dict[str, Any], prefill: str) -> dict[str, Any]:
    """The chat with the start of the answer as its last message."""
    if not prefill:
        return body
    start = {"role": "assistant", "content": prefill}
    return {**body, "messages": [*body["messages"], start], **_CONTINUE}


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ModelError(f"{what} is not JSON ({error})") from None
