"""How a model is offered tools, how its calls are read, and how they are answered: natively, or written as text.

`native` is for models that take tools: over an API, or through a checkpoint's chat template. Calls that a server leaves
in the text are read too. `text` is for all others that can chat: the tools stand in the prompt, calls are fenced JSON,
and results are quoted, so that nothing in them can end the quotation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from banchu.agents.quoting import quoted
from banchu.agents.tools.toolbox import ToolResult
from banchu.core.chat import Completion, Message, Request, Tool, ToolCall
from banchu.core.errors import ModelError
from banchu.core.tool_calls import find_calls

Way = Literal["native", "text"]
INSTRUCTIONS: Final = """\
You may call tools before you answer. To call one, write a block like this, and then end your message:

```tool
{{"name": "{example}", "arguments": {arguments}}}
```

The result comes in the next message. A message without such a block is your answer.

The tools, each with the JSON Schema of its arguments:

{tools}"""
_LONGEST: Final = 1_000_000
"""Results are bounded by their tools before they come here."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said, taken apart."""

    text: str
    """All but the calls."""
    calls: tuple[ToolCall, ...]
    """Empty: this is the answer. One without a name cannot be read."""


def offer(request: Request, tools: Sequence[Tool], way: Way) -> Request:
    """The request with tools on offer. Raises ModelError: it is raw text, not a chat."""
    if isinstance(request.prompt, str):
        raise ModelError("a prompt of raw text takes no tools; ask in a chat (--style chat)")
    if not tools:
        return request
    if way == "native":
        return replace(request, tools=tuple(tools))
    first, *rest = request.prompt
    # Not a message of its own: not every chat template has a system role, or takes two.
    told = replace(first, content=f"{first.content}\n\n{instructions(tools)}")
    return replace(request, prompt=(told, *rest))


def instructions(tools: Sequence[Tool]) -> str:
    """The text protocol, for a prompt. `tools`: at least one."""
    listed = [f"- `{tool.name}`: {tool.description}\n  {_compact(tool.parameters)}" for tool in tools]
    return INSTRUCTIONS.format(example=tools[0].name, arguments=_example(tools[0].parameters), tools="\n".join(listed))


def read(completion: Completion, tools: Sequence[Tool], way: Way) -> Said:
    """The calls in an answer. What the token limit cut off is no call."""
    if way == "native" and completion.tool_calls:
        return Said(completion.text, completion.tool_calls)
    found = find_calls(completion.text, tools, cut=completion.finish_reason == "length")
    return Said(found.text, tuple(found.calls))


def answer(
    completion: Completion, said: Said, results: Sequence[ToolResult], way: Way, *, before: int = 0
) -> tuple[Message, ...]:
    """The model's message and the answers to its calls, for the end of the prompt.

    Args:
        results: of `said.calls`, in order.
        before: calls earlier in the conversation, so that each has an id of its own.
    """
    if way == "text":
        told = [
            f"Result of `{call.name or 'the call that cannot be read'}`:\n\n{quoted(result.text, _LONGEST)}"
            for call, result in zip(said.calls, results, strict=True)
        ]
        return (Message("assistant", completion.text), Message("user", "\n\n".join(told)))
    calls = _numbered(said.calls, before)
    answers = [
        Message("tool", result.text, call_id=call.id, tool=call.name)
        for call, result in zip(calls, results, strict=True)
    ]
    return (Message("assistant", said.text, calls), *answers)


def _numbered(calls: Sequence[ToolCall], before: int) -> tuple[ToolCall, ...]:
    """Each with an id and a name. Nine letters and digits: Mistral's templates take no other."""
    ids = [call.id for call in calls]
    return tuple(
        replace(
            call,
            id=call.id if call.id and ids.count(call.id) == 1 else f"call{before + number:05d}",
            name=call.name or "unreadable",
        )
        for number, call in enumerate(calls)
    )


def _compact(schema: str) -> str:
    return json.dumps(json.loads(schema), ensure_ascii=False, separators=(", ", ": "))


def _example(schema: str) -> str:
    """Arguments as they might look: each that is needed, by its type."""
    told = json.loads(schema)
    values = {"string": "...", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}
    properties = told.get("properties", {})
    needed = told.get("required") or list(properties)[:1]
    return json.dumps({name: values.get(str(properties.get(name, {}).get("type")), "...") for name in needed})
