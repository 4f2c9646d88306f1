"""An episode that is walked again: its tools tell it what they told it, out of the record, and are not run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from banchu.agents.tools import BoxLimits, Tool, ToolBox, tool
from banchu.core.tool_record import ToolCallRecord


@tool
def add(a: int, b: int = 0) -> int:
    """Add."""
    return a + b


@tool(max_characters=100)
def long(n: int) -> str:
    """Say much."""
    return "x" * n


@pytest.fixture
def count() -> Tool:
    """Says how often it was run."""
    runs = 0

    @tool
    def count(why: str = "") -> int:
        """Count."""
        nonlocal runs
        runs += 1
        return runs

    return count


async def told(box: ToolBox, *calls: tuple[str, str]) -> list[str]:
    return [(await box.call(*call)).text for call in calls]


async def recorded(tools: Sequence[Tool], *calls: tuple[str, str]) -> list[ToolCallRecord]:
    records: list[ToolCallRecord] = []
    await told(ToolBox(tools, sink=records.append), *calls)
    return records


async def test_it_is_told_the_same_and_nothing_is_run(count: Tool) -> None:
    calls = (("count", ""), ("add", '{"a": 1}'), ("count", ""), ("long", '{"n": 1000}'))
    records = await recorded([count, add, long], *calls)
    again: list[ToolCallRecord] = []
    box = ToolBox([count, add, long], sink=again.append, earlier=records)
    assert await told(box, *calls) == [record.result for record in records]  # and what was cut is not cut once more
    assert again == records
    assert await told(box, ("count", "")) == ["3"]  # the two of the record, and this one


@pytest.mark.parametrize("other", [("add", '{"a": 1}'), ("count", '{"why": "asked"}')])
async def test_what_came_after_another_call_is_not_to_be_trusted(count: Tool, other: tuple[str, str]) -> None:
    """Another tool in its place, or the same one with other words."""
    records = await recorded([count, add], ("count", ""), ("count", ""), ("count", ""))
    box = ToolBox([count, add], earlier=records)
    first, _, third = await told(box, ("count", ""), other, ("count", ""))
    assert first == "1"
    assert third == ("4" if other[0] == "add" else "5")


@pytest.mark.parametrize("outcome", ["cancelled", "host_failed"])
async def test_a_call_of_which_nobody_was_told_is_run(count: Tool, outcome: Any) -> None:
    (record,) = await recorded([count], ("count", ""))
    box = ToolBox([count], earlier=[dataclasses.replace(record, result="", outcome=outcome)])
    assert await told(box, ("count", "")) == ["2"]


async def test_what_was_used_before_counts_against_every_limit() -> None:
    """So that the first new call meets the limits that it would have met."""
    (record,) = await recorded([add], ("add", '{"a": 1}'))
    slow = dataclasses.replace(record, wall_s=9.0)
    for limits in (BoxLimits(max_calls=1), BoxLimits(max_s=8.0)):
        box = ToolBox([add], limits=limits, earlier=[slow])
        outcomes = [(await box.call("add", '{"a": 1}')).outcome for _ in range(2)]
        assert outcomes == ["answered", "limit"]
