"""Calls of tools as models write them into text: fenced JSON, or the marks of their own chat templates.

Read with `lenient`, so nothing is run. A block that is marked as a call and cannot be read comes back as a call without
a name, with the block in its arguments, so that the model can be told; JSON that only looks like a call counts where it
names a tool that is on offer. Code in fences of other languages is never a call, nor is what stands in `<think>`.

Marks: `<tool_call>` (Hermes, Qwen, SmolLM), `<function=NAME>` (Qwen Coder, Nemotron), `<arg_key>` (GLM), `[TOOL_CALLS]`
(Mistral), `<|python_tag|>` and bare JSON (Llama), `<|tool_call|>` (Granite), `functools[` (Phi), `to=functions.NAME`
(gpt-oss), and two forms of `tool_forms`; from the chat templates that these models ship.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from banchu.core.chat import Tool, ToolCall
from banchu.core.lenient import Unreadable, read_value
from banchu.core.tool_forms import read_gemma, read_python

_OPENING: Final = re.compile(
    r"(?P<fence>`{3,}|~{3,})[ \t]*(?P<tag>[\w.+-]*)"
    r"|<\|tool_call>call:(?P<gemma>[\w.-]{1,100})(?=\{)"
    r"|(?P<python><\|tool_call_start\|>)"
    r"|\bto=functions\.(?P<to>[\w.-]{1,100})[^\n{]{0,99}?<\|message\|>"
    r"|<function=(?P<named>[^>\n]{1,100})>"
    r"|(?P<mark><\|?tool_calls?\|?>|\[TOOL_CALLS\]|<\|python_tag\|>|\bfunctools(?=\s*\[))"
    r"|^[ \t]*(?P<bare>[{\[])",
    re.MULTILINE,
)
_MEANT: Final = frozenset({"tool", "tools", "tool_call", "tool_calls", "tool-call", "call", "function_call"})
"""Tags of fences that hold calls and nothing else."""
_MAYBE: Final = frozenset({"", "json", "json5", "jsonc"})
_CLOSING: Final = re.compile(r"\s*(?:`{3,}|~{3,}|</?tool_calls?>|<\|/tool_call\|>|</s>|<\|im_end\|>|<\|eom_id\|>)?")
_LINE_END: Final = re.compile(r"[ \t]*(?:\n|\Z)")
_TAGS: Final = re.compile(r"\s*<function=")
_END: Final = re.compile(r"`{3,}|~{3,}|</tool_calls?>|</function>")
_GLM: Final = re.compile(r"\s*([\w.-]{1,100})\s*(?=<arg_key>|</tool_call>)")
_PAIR: Final = re.compile(r"<arg_key>([^<]{1,100})</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)
_PARAMETER: Final = re.compile(r"<parameter=([^>\n]{1,100})>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_HEAD: Final = re.compile(r"\s*([\w.-]{1,100})\s*(?:\[CALL_ID\]\w*)?\s*(?:\[ARGS\])?\s*(?=\{)")
_NAMES: Final = ("name", "tool", "tool_name", "function", "action")
_ARGUMENTS: Final = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "kwargs")
_MOST: Final = 64
"""Openings that are looked at; each may be read to the end of the text."""


@dataclass(slots=True)
class Found:
    """What a text holds."""

    text: str = ""
    """The text around the calls."""
    calls: list[ToolCall] = field(default_factory=list)
    """In order. One without a name was meant as a call and cannot be read."""


def find_calls(text: str, tools: Sequence[Tool], *, cut: bool = False) -> Found:
    """The calls in a text.

    Args:
        tools: those on offer.
        cut: the text was cut off, so a call that is not whole is none.
    """
    found, kept = Found(), []
    at = start = _behind_thoughts(text)
    kept.append(text[:start])
    schemas = {tool.name: tool.parameters for tool in tools}
    for _ in range(_MOST):
        opening = _OPENING.search(text, at)
        if opening is None:
            break
        calls, end = _Block(text, opening, schemas, cut).read()
        if calls:
            found.calls += calls
            kept.append(text[start : opening.start()])
            start = end
        at = max(end, opening.end())
    kept.append(text[start:])
    found.text = "\n".join(part.strip() for part in kept if part.strip()) if found.calls else text
    return found


def _behind_thoughts(text: str) -> int:
    """Where the thoughts of a model end: calls in them are none. All of a text that never stops thinking is thought."""
    if (end := text.rfind("</think>")) >= 0:
        return end + len("</think>")
    return len(text) if text.lstrip().startswith("<think>") else 0


class _Block:
    """What stands behind one opening."""

    def __init__(self, text: str, opening: re.Match[str], schemas: dict[str, str], cut: bool) -> None:
        self._text = text
        self._opening = opening
        self._schemas = schemas
        self._cut = cut

    def read(self) -> tuple[list[ToolCall], int]:
        """The calls, and where to go on; 0: behind the opening."""
        tag = (self._opening["tag"] or "").lower()
        if self._opening["fence"] and tag not in _MEANT | _MAYBE:
            return [], self._behind_fence() if _LINE_END.match(self._text, self._opening.end()) else 0
        if self._opening["mark"] and _TAGS.match(self._text, self._opening.end()):
            return [], 0
        if self._opening["named"]:
            return self._in_tags()
        if self._opening["gemma"] or self._opening["python"]:
            return self._in_marks("<tool_call|>" if self._opening["gemma"] else "<|tool_call_end|>")
        if self._opening["mark"] and (found := _GLM.match(self._text, self._opening.end())):
            return self._tagged(found[1], found.end(), _PAIR, "</tool_call>")
        meant = bool(self._opening["mark"] or self._opening["to"]) or tag in _MEANT
        start = self._opening.start("bare") if self._opening["bare"] else self._opening.end()
        try:
            calls, end = self._in_json(start, meant)
        except Unreadable:
            if not meant:
                return [], 0
            closing = _END.search(self._text, start)
            end = closing.start() if closing else len(self._text)
            calls = [ToolCall("", self._text[start:end].strip())] if self._text[start:end].strip() else []
        return calls, self._closed(end) if calls else end

    def _in_json(self, start: int, meant: bool) -> tuple[list[ToolCall], int]:
        calls: list[ToolCall] = []
        if self._opening["to"]:
            value, end = read_value(self._text, start, complete=self._cut)
            return [ToolCall(self._opening["to"], _dumped(value))], end
        if meant and (head := _HEAD.match(self._text, start)):
            value, end = read_value(self._text, head.end(), complete=self._cut)
            return [ToolCall(head[1], _dumped(value))], end
        end = start
        while (following := _next(self._text, end)) >= 0:
            value, end = read_value(self._text, following, complete=self._cut)
            for one in value if isinstance(value, list) else [value]:
                call = _as_call(one, self._schemas, meant)
                if call is None and not meant:
                    return [], end
                calls.append(call or ToolCall("", _dumped(one)))
        if not calls and meant and not _CLOSING.fullmatch(self._text, start):
            raise Unreadable("no object")
        return calls, end

    def _in_tags(self) -> tuple[list[ToolCall], int]:
        """`<function=NAME><parameter=KEY>VALUE</parameter></function>`."""
        return self._tagged(self._opening["named"].strip(), self._opening.end(), _PARAMETER, "</function>")

    def _tagged(self, name: str, start: int, each: re.Pattern[str], closing: str) -> tuple[list[ToolCall], int]:
        """A call whose arguments stand in tags, as text whatever their type."""
        end = self._text.find(closing, start)
        if end < 0 and self._cut:
            return [], len(self._text)
        inside = self._text[start : end if end >= 0 else len(self._text)]
        types = _types(self._schemas.get(name, ""))
        arguments = {key: _typed(value, types.get(key)) for key, value in each.findall(inside)}
        return [ToolCall(name, _dumped(arguments))], self._closed(start + len(inside) + len(closing))

    def _in_marks(self, closing: str) -> tuple[list[ToolCall], int]:
        """Between marks of its own, in a form that is no JSON."""
        start, name = self._opening.end(), self._opening["gemma"]
        end = self._text.find(closing, start)
        if end < 0 and self._cut:
            return [], len(self._text)
        inside = self._text[start : end if end >= 0 else len(self._text)]
        try:
            read = [(name, read_gemma(inside))] if name else read_python(inside)
            calls = [ToolCall(called, _dumped(value)) for called, value in read]
        except Unreadable:
            calls = [ToolCall("", inside)]
        return calls, min(start + len(inside) + len(closing), len(self._text))

    def _closed(self, end: int) -> int:
        closing = _CLOSING.match(self._text, min(end, len(self._text)))
        return closing.end() if closing else end

    def _behind_fence(self) -> int:
        fence = re.escape(self._opening["fence"])
        closing = re.compile(rf"{fence}[ \t]*$", re.MULTILINE).search(self._text, self._opening.end())
        return closing.end() if closing else len(self._text)


def _next(text: str, at: int) -> int:
    """Where the next object or list of a block begins, behind space and commas; -1: there is none."""
    while at < len(text) and (text[at].isspace() or text[at] in ",;"):
        at += 1
    return at if text[at : at + 1] in ("{", "[") and at < len(text) else -1


def _as_call(value: Any, schemas: dict[str, str], meant: bool) -> ToolCall | None:
    """An object as a call, where it is one. What was not meant as one must name a tool on offer, and arguments."""
    if not isinstance(value, dict):
        return None
    told: dict[str, Any] = value["function"] if isinstance(value.get("function"), dict) else value
    if (
        meant
        and len(told) == 1
        and isinstance(inner := next(iter(told.values())), dict)
        and next(iter(told)) in schemas
    ):
        return ToolCall(next(iter(told)), _dumped(inner))
    at = next((key for key in _NAMES if isinstance(told.get(key), str)), None)
    if at is None:
        return None
    where = next((key for key in _ARGUMENTS if isinstance(told.get(key), dict | str)), None)
    if not meant and (where is None or told[at] not in schemas):
        return None
    arguments = told[where] if where else {key: item for key, item in told.items() if key not in (at, "id", "type")}
    id = value.get("id")
    written = arguments if isinstance(arguments, str) else _dumped(arguments)
    return ToolCall(told[at], written, id if isinstance(id, str) else "")


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _types(schema: str) -> dict[str, Any]:
    try:
        properties = json.loads(schema).get("properties", {})
        return {key: told.get("type") for key, told in properties.items()}
    except (ValueError, AttributeError):
        return {}


def _typed(value: str, type: Any) -> Any:
    """A parameter's text as its schema's type, where that is no text."""
    if type in (None, "string"):
        return value
    try:
        return next(iter(_whole(value)))
    except (Unreadable, StopIteration):
        return value


def _whole(text: str) -> Iterator[Any]:
    value, end = read_value(text)
    if not text[end:].strip():
        yield value
