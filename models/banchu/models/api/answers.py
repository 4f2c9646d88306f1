"""An answer's JSON as a completion. Servers differ: what is missing is read as absent, what is broken is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from banchu.core.chat import Completion, FinishReason, Request, TokenLogprob, ToolCall, Usage

_SAID: Final = frozenset({"content", "text", "refusal", "tool_calls", "reasoning", "reasoning_content"})
"""What a message may hold; some servers leave out `content` where there is no text."""


class Unreadable(ValueError):
    """The answer holds no choice that can be read."""


def read_answer(answer: object, request: Request, wall_s: float, cuts: tuple[str, ...] = ()) -> Completion:
    """The first choice. Text that a server keeps apart as reasoning is not part of the answer.

    Args:
        answer: the body, parsed.
        cuts: stop texts that the server was not told of; the text ends before the first of them.

    Raises:
        Unreadable: no choice, no message in it, or a text that is none.
    """
    if not isinstance(answer, dict):
        raise Unreadable("not an object")
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) and "message" in choice else choice
    if not isinstance(choice, dict) or not isinstance(message, dict) or not _SAID & message.keys():
        raise Unreadable("no choice that can be read")
    text = message["text"] if "text" in message else message.get("content")
    if not isinstance(text, str | None):
        raise Unreadable("the answer is not a text")
    said = text or _text(message.get("refusal"))
    ends = [at for stop in cuts if (at := said.find(stop)) >= 0]
    reason = choice.get("finish_reason")
    if ends:
        said, reason = said[: min(ends)], "stop"
    reason = reason if reason in {"length", "content_filter"} else "stop"
    return Completion(
        said,
        read_usage(answer.get("usage")),
        cast(FinishReason, reason),
        wall_s,
        _tool_calls(message.get("tool_calls")) if request.tools else (),
        _logprobs(choice.get("logprobs")) if request.logprobs is not None else (),
    )


def read_usage(usage: object) -> Usage:
    """Tokens, each 0 where the server says nothing that is a number of them."""
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    written = _count(usage, "completion_tokens")
    return Usage(_count(usage, "prompt_tokens"), written, min(written, _count(details, "reasoning_tokens")))


def _tool_calls(calls: object) -> tuple[ToolCall, ...]:
    found = []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found.append(ToolCall(function["name"], _text(function.get("arguments")), _text(call.get("id"))))
    return tuple(found)


def _logprobs(logprobs: object) -> tuple[TokenLogprob, ...]:
    if not isinstance(logprobs, dict):
        return ()
    found = []
    for entry in logprobs.get("content") or _columns(logprobs):
        if isinstance(entry, dict) and isinstance(entry.get("token"), str) and _is_number(entry.get("logprob")):
            top = [one for one in entry.get("top_logprobs") or () if isinstance(one, dict)]
            pairs = tuple(
                (_text(one.get("token")), float(one["logprob"])) for one in top if _is_number(one.get("logprob"))
            )
            found.append(TokenLogprob(entry["token"], float(entry["logprob"]), pairs))
    return tuple(found)


def _columns(logprobs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns of /completions as the rows of /chat/completions."""
    tokens, values = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        return []
    tops = logprobs.get("top_logprobs")
    tops = tops if isinstance(tops, list) and len(tops) == len(tokens) else [None] * len(tokens)
    return [
        {
            "token": token,
            "logprob": value,
            "top_logprobs": [{"token": other, "logprob": its} for other, its in (top or {}).items()],
        }
        for token, value, top in zip(tokens, values, tops, strict=True)
    ]


def _count(counts: object, name: str) -> int:
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if type(count) is int and count >= 0 else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_number(value: object) -> bool:
    return type(value) in (int, float)
