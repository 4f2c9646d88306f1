"""What tools did in an arm: how often they were called, by outcome, and which of them knows the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The calls of an arm that uses tools."""

    calls: int
    """Refused ones included."""
    calls_per_episode: float
    episodes_without: int
    """Episodes in which nothing was called: with tools in name only."""
    by_tool: Mapping[str, int]
    """By the name as the model wrote it; "": a call that could not be read."""
    by_outcome: Mapping[str, int]
    seconds: float
    oracle_calls: int
    """Calls of tools that know the answer."""


def tool_use(arm: Arm, episodes: Sequence[EpisodeRecord]) -> ToolUse | None:
    """None: the arm uses none, or no episode was run."""
    if not arm.uses_tools or not episodes:
        return None
    calls = [call for episode in episodes for call in episode.tool_calls]
    return ToolUse(
        calls=len(calls),
        calls_per_episode=len(calls) / len(episodes),
        episodes_without=sum(not episode.tool_calls for episode in episodes),
        by_tool=dict(sorted(Counter(call.tool for call in calls).items())),
        by_outcome=dict(Counter(call.outcome for call in calls).most_common()),
        seconds=fsum(call.wall_s for call in calls),
        oracle_calls=sum(call.oracle for call in calls),
    )


def tool_notes(arm: str, use: ToolUse, episodes: int) -> list[str]:
    """What must be said of them beside the arm's figures."""
    failed = {outcome: n for outcome, n in use.by_outcome.items() if outcome != "answered"}
    names = ", ".join(f"{name or '(unreadable)'} {n}" for name, n in use.by_tool.items())
    line = f"{arm}: {use.calls_per_episode:.1f} calls of tools an episode"
    line += f" ({names})" if names else ""
    line += f"; {', '.join(f'{n} {outcome}' for outcome, n in failed.items())}" if failed else ""
    found = [line]
    if use.episodes_without:
        found.append(f"{arm}: {use.episodes_without} of {episodes} episodes called no tool at all")
    if use.oracle_calls:
        found.append(f"{arm}: {use.oracle_calls} calls of a tool that knows the answer; none of its figures is its own")
    return found


def tools_line(tools: Mapping[str, Any]) -> str:
    """The tools of a run, as its configuration has them; "": none."""
    if not tools:
        return ""
    names = [f"{name} (an ORACLE)" if name in tools["oracles"] else name for name in tools["names"]]
    ways = {"native": "natively", "text": "in text"}
    return f"{', '.join(names)}; {', '.join(f'the {role} calls {ways[way]}' for role, way in tools['calls'].items())}"
