"""A prompt in tokens, as the checkpoint's own tokenizer and chat template have it, and where an answer ends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from banchu.core.chat import Tool, ToolCall
from banchu.models.local.tool_form import has_place_for_tools, reads_calls
from banchu.models.turns import arguments_object


def prompt_tokens(tokenizer: Any, prompt: Any, prefill: str = "", tools: Sequence[Mapping[str, str]] = ()) -> list[int]:
    """The tokens of raw text, or of a chat up to where the answer begins.

    Args:
        tokenizer: of transformers.
        prompt: text, or `Message.plain` of each message.
        prefill: how the answer begins, in a chat.
        tools: name, description and parameters (JSON) of each that is on offer.

    Raises:
        ValueError: tools, or messages of tools, for a template that has no place for them, or whose calls would be
        lost. Exception: whatever the checkpoint's own template raises.
    """
    if isinstance(prompt, str):
        return list(tokenizer(prompt)["input_ids"])
    if tools or any(len(parts) > 2 for parts in prompt):
        _check(tokenizer)
    messages, offered = [_message(*parts) for parts in prompt], [_offered(tool) for tool in tools] or None
    # The template writes the special tokens itself.
    render = partial(tokenizer.apply_chat_template, tokenize=False, tools=offered)
    if not prefill:
        text = render(messages, add_generation_prompt=True)
    else:
        text = render([*messages, {"role": "assistant", "content": prefill}], continue_final_message=True)
        # Some templates strip what they are given; the answer must go on behind the last space.
        text = text.rstrip() + prefill[len(prefill.rstrip()) :]
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def cut_at(text: str, stops: Sequence[str]) -> str:
    """An answer up to the first of the texts that end it."""
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _check(tokenizer: Any) -> None:
    """Raises ValueError where calls of tools would be lost."""

    def render(prompt: Sequence[Any], tools: Sequence[Tool]) -> str:
        messages, offered = [_message(*parts) for parts in prompt], [_offered(asdict(tool)) for tool in tools]
        told = {"tokenize": False, "add_generation_prompt": prompt[-1][0] == "user"}
        return str(tokenizer.apply_chat_template(messages, tools=offered, **told))

    if not has_place_for_tools(tokenizer):
        raise ValueError("its chat template has no place for tools; let it write its calls as text")
    if not reads_calls(tokenizer, render):
        raise ValueError("its chat template writes calls in a form that is not known here; let it write them as text")


def _message(role: str, content: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """In the form that templates are written for: arguments as an object."""
    more = more or {}
    message: dict[str, Any] = {"role": role, "content": content}
    if "tool_calls" in more:
        message["tool_calls"] = [
            {
                "type": "function",
                "id": call["id"],
                "function": {"name": call["name"], "arguments": arguments_object(ToolCall(**call))},
            }
            for call in more["tool_calls"]
        ]
    named = {"tool_call_id": more.get("call_id"), "name": more.get("tool")}
    return message | {key: value for key, value in named.items() if value}


def _offered(tool: Mapping[str, str]) -> dict[str, Any]:
    function = {"name": tool["name"], "description": tool["description"], "parameters": json.loads(tool["parameters"])}
    return {"type": "function", "function": function}
