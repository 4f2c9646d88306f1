"""The calls of one role in one round, as they were made: prompts, replies, and the tools that were called between."""

from __future__ import annotations

from collections.abc import Sequence

from banchu.core.chat import CallRole
from banchu.core.tool_record import ToolCallRecord
from banchu.experiments.ledger import CallDetail, EpisodeDetail


def print_calls(episode: EpisodeDetail, round: int, role: CallRole) -> int:
    """Print them; returns how many calls of the model there were."""
    calls = [call for call in episode.calls if (call.record.round, call.record.role) == (round, role)]
    tools = [tool for tool in episode.record.tool_calls if (tool.round, tool.role) == (round, role)]
    for number, call in enumerate(calls):
        _print_call(call, again=any(_goes_on(call, earlier) for earlier in calls[:number]))
        for tool in tools:
            if tool.turn == call.record.turn:
                _print_tool(tool)
    return len(calls)


def _goes_on(call: CallDetail, earlier: CallDetail) -> bool:
    """Whether a prompt is an earlier one with more behind it."""
    if isinstance(call.prompt, str) or isinstance(earlier.prompt, str):
        return False
    return len(call.prompt) > len(earlier.prompt) and call.prompt[: len(earlier.prompt)] == earlier.prompt


def _print_call(call: CallDetail, *, again: bool) -> None:
    record = call.record
    sealed = f", SEALED TEXT IN PROMPT ({record.sealed_hits})" if record.sealed_hits else ""
    thought = f" ({record.reasoning_tokens} of reasoning)" if record.reasoning_tokens else ""
    size = f"{record.prompt_tokens} + {record.completion_tokens} tokens{thought}"
    turn = f", turn {record.turn}" if record.turn else ""
    print(f"── {record.role}, round {record.round}{turn}: {size}, {record.finish_reason}{sealed}")
    if again:
        print("   prompt: as before, and what was said and told since")
    else:
        _print_prompt(call.prompt)
    print_block("reply", call.text)
    for asked in call.tool_calls:
        print_block(f"asks to call {asked.name}", asked.arguments)


def _print_prompt(prompt: str | Sequence[Sequence[str]]) -> None:
    if isinstance(prompt, str):
        print_block("prompt (raw text)", prompt)
        return
    for role, content in prompt:
        print_block(f"prompt [{role}]", content)


def _print_tool(tool: ToolCallRecord) -> None:
    oracle = ", AN ORACLE" if tool.oracle else ""
    cut = f", {tool.left_out} characters left out" if tool.left_out else ""
    name, by = tool.tool or "a call that cannot be read", f"{tool.role}, round {tool.round}"
    asked = f", {tool.prompt_tokens} + {tool.completion_tokens} tokens" if tool.prompt_tokens else ""
    print(f"── tool call {tool.index}, {by}: {name}, {tool.outcome}{oracle}, {_time(tool)}{asked}{cut}")
    print_block("arguments", tool.arguments)
    print_block("result", tool.result)


def _time(tool: ToolCallRecord) -> str:
    return f"{tool.wall_s:.1f} s" if tool.wall_s >= 1 else f"{tool.wall_s * 1000:.0f} ms"


def print_block(title: str, text: str) -> None:
    """A text with a line before each of its lines, so that nothing in it can be taken for ours."""
    print(f"   {title}:")
    for line in text.splitlines() or [""]:
        print(f"   │ {line}")
