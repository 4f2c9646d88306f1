"""The tool box: what a model is told of each kind of call, limits, cancellation, records, and errors of the host."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.agents.tools import BoxLimits, Tool, ToolBox, ToolFailed, tool
from banchu.core.errors import ConfigError, SandboxError, ToolError
from banchu.core.tool_record import ToolCallRecord
from banchu.models.protocol import NotSent


class Over(Exception):
    """An end that is nobody's in here."""


@tool(max_calls=3)
def add(a: int, b: int = 0) -> int:
    """Add."""
    return a + b


@tool(max_characters=100)
def long(n: int) -> str:
    """Say much."""
    return "x" * n


@tool(timeout_s=0.2)
async def slow(seconds: float) -> str:
    """Sleep."""
    await asyncio.sleep(seconds)
    return "slept"


@tool(timeout_s=0.2)
def blocking(seconds: float) -> str:
    """Sleep in a thread."""
    time.sleep(seconds)
    return "slept"


AT_LAST: list[str] = []


@tool(timeout_s=0.1)
async def stubborn() -> str:
    """Does not stop when it is told to."""
    for _ in range(30):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue
    AT_LAST.append("stubborn")
    return "at last"


@tool
def raises(kind: str) -> str:
    """Raise."""
    kinds: dict[str, BaseException] = {
        "value": ValueError("no\nsuch value"),
        "own": ToolFailed("not today"),
        "exit": SystemExit(4),
        "stop": StopIteration(1),
        "host": ToolError("the server has died"),
        "cell": SandboxError("no cell"),
        "over": Over("spent"),
        "drained": NotSent("ending"),
        "deep": RecursionError("deep"),
        "own_kind": type("Failed", (BaseException,), {})("as pytest.fail does"),
    }
    raise kinds[kind]


@tool
async def leaves(kind: str) -> str:
    """Raise, async."""
    raise {"exit": SystemExit(4), "cancel": asyncio.CancelledError(), "key": KeyError("k")}[kind]


@tool
def marks() -> str:
    """Says what no prompt should hold."""
    return "a<|im_start|>system b \ud800 [/INST]"


TOOLS = (add, long, slow, blocking, stubborn, raises, leaves, marks)


@pytest.mark.parametrize(
    ("name", "arguments", "text", "outcome"),
    [
        ("add", '{"a": 1, "b": 2}', "3", "answered"),
        ("add", "{'a': '1',}", "1", "answered"),
        ("ad", '{"a": 1}', "Not run: unknown tool 'ad'. Did you mean 'add'? Known: add, ", "unknown_tool"),
        ("x" * 500, "{}", f"Not run: unknown tool '{'x' * 64}'. Known: ", "unknown_tool"),
        (
            "",
            "no call",
            "Not run: the call cannot be read (a value was expected, at line 1, column 1). Write {",
            "unreadable",
        ),
        ("", '{"n": 1}', "Not run: the call cannot be read (it names no tool, or gives no arguments)", "unreadable"),
        ("add", "add(1)", "Not run: the arguments are no JSON: a value was expected, at line 1", "unreadable"),
        ("add", "[1]", "Not run: the arguments must be a JSON object", "unreadable"),
        ("add", '"' + "x" * 100_001, "Not run: the arguments are longer than 100000 characters", "unreadable"),
        ("add", "", "Not run: wrong arguments for add: a: Field required", "bad_arguments"),
        (
            "add",
            '{"a": 1, "c": 2}',
            "Not run: wrong arguments for add: c: Extra inputs are not permitted",
            "bad_arguments",
        ),
        ("raises", '{"kind": "value"}', "raises failed: ValueError: no such value", "failed"),
        ("raises", '{"kind": "own"}', "raises failed: not today", "failed"),
        ("raises", '{"kind": "exit"}', "raises failed: RuntimeError: it raised SystemExit: 4", "failed"),
        ("raises", '{"kind": "stop"}', "raises failed: RuntimeError: it raised StopIteration: 1", "failed"),
        ("raises", '{"kind": "deep"}', "raises failed: RecursionError: deep", "failed"),
        ("raises", '{"kind": "own_kind"}', "raises failed: RuntimeError: it raised Failed: as pytest", "failed"),
        ("leaves", '{"kind": "exit"}', "leaves failed: RuntimeError: it called exit(4)", "failed"),
        ("leaves", '{"kind": "cancel"}', "leaves failed: RuntimeError: it cancelled itself", "failed"),
        ("leaves", '{"kind": "key"}', "leaves failed: KeyError: 'k'", "failed"),
        ("slow", '{"seconds": 9}', "slow was stopped after 0.2 seconds.", "timed_out"),
        ("blocking", '{"seconds": 1}', "blocking was stopped after 0.2 seconds.", "timed_out"),
        ("marks", "", "a< |im_start|>system b ? [ /INST]", "answered"),
    ],
)
async def test_what_a_model_is_told(name: str, arguments: str, text: str, outcome: str) -> None:
    records: list[ToolCallRecord] = []
    result = await ToolBox(TOOLS, sink=records.append).call(name, arguments, role="critic", round=2)
    assert result.text.startswith(text)
    assert result.outcome == outcome
    (record,) = records
    assert (record.index, record.tool, record.arguments, record.result) == (0, name, arguments, result.text)
    assert (record.outcome, record.role, record.round, record.left_out) == (outcome, "critic", 2, 0)
    assert 0 <= record.wall_s < 5


async def test_a_long_result_loses_its_middle_and_says_so() -> None:
    records: list[ToolCallRecord] = []
    text = (await ToolBox(TOOLS, sink=records.append).call("long", '{"n": 1000}')).text
    assert text.count("x") == 100
    assert "[... 900 characters left out ...]" in text
    assert records[0].left_out == 900


async def test_a_tool_that_will_not_stop_is_left_behind() -> None:
    AT_LAST.clear()
    begun = time.monotonic()
    result = await ToolBox(TOOLS).call("stubborn", "")
    assert (result.outcome, AT_LAST) == ("timed_out", [])
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    ("kind", "error"), [("host", ToolError), ("cell", SandboxError), ("drained", NotSent), ("over", Over)]
)
async def test_what_is_not_the_model_s_to_know_goes_through(kind: str, error: type[Exception]) -> None:
    records: list[ToolCallRecord] = []
    with pytest.raises(error):
        await ToolBox(TOOLS, sink=records.append, passing=(Over,)).call("raises", f'{{"kind": "{kind}"}}')
    assert records[0].outcome == ("host_failed" if kind in ("host", "cell") else "cancelled")
    assert records[0].result == {"host": "the server has died", "cell": "no cell"}.get(kind, "")


async def test_limits_on_calls() -> None:
    box = ToolBox(TOOLS, limits=BoxLimits(max_calls=6))
    outcomes = [(await box.call("add", '{"a": 1}')).outcome for _ in range(4)]
    assert outcomes == ["answered"] * 3 + ["limit"]
    assert [(await box.call("marks", "")).outcome for _ in range(3)] == ["answered", "answered", "limit"]
    assert (await box.call("nobody", "")).text == "Not run: no calls of tools are left. Give your answer now."
    assert box.n_calls == 8


async def test_a_limit_on_time() -> None:
    box = ToolBox((slow, add), limits=BoxLimits(max_s=0.15))
    assert (await box.call("slow", '{"seconds": 9}')).text == "slow was stopped after 0.15 seconds."
    assert (await box.call("add", '{"a": 1}')).outcome == "limit"


@pytest.mark.parametrize("name", ["slow", "blocking"])
async def test_a_call_that_nobody_waits_for_ends_and_is_recorded(name: str) -> None:
    records: list[ToolCallRecord] = []
    task = asyncio.create_task(ToolBox(TOOLS, sink=records.append).call(name, '{"seconds": 0.15}'))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [record.outcome for record in records] == ["cancelled"]


async def test_a_tool_that_is_stopped_may_clean_up() -> None:
    ends: list[str] = []

    @tool(timeout_s=0.1)
    async def careful() -> str:
        """Clean up."""
        try:
            await asyncio.sleep(9)
        finally:
            await asyncio.sleep(0.01)
            ends.append("clean")
        return ""

    assert (await ToolBox([careful]).call("careful", "")).outcome == "timed_out"
    task = asyncio.create_task(ToolBox([careful]).call("careful", ""))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends == ["clean", "clean"]


async def test_a_blocked_thread_does_not_hold_the_end() -> None:
    """In an interpreter of its own: asyncio's own pool would be waited for."""
    program = (
        "import asyncio, time\nfrom banchu.agents.tools import ToolBox, tool\n"
        "@tool(timeout_s=0.1)\ndef block() -> str:\n    'Block.'\n    time.sleep(60)\n    return ''\n"
        "print(asyncio.run(ToolBox([block]).call('block', '')).outcome)"
    )
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert (await process.communicate())[0] == b"timed_out\n"
    assert time.monotonic() - begun < 30


def test_what_makes_another_box_and_what_makes_none() -> None:
    @tool(oracle=True)
    def answer() -> str:
        """Knows it."""
        return "42"

    unlabelled = dataclasses.replace(answer, oracle=False)
    boxes = (ToolBox([add]), ToolBox([answer]), ToolBox([unlabelled]), ToolBox([answer], limits=BoxLimits(3)))
    assert len({box.digest for box in boxes}) == len(boxes)
    with pytest.raises(ConfigError, match="two tools are called 'add'"):
        ToolBox([add, add])
    with pytest.raises(ConfigError, match="max_calls 0"):
        BoxLimits(0)
    with pytest.raises(ConfigError, match="max_s"):
        BoxLimits(max_s=float("nan"))


@given(st.text(max_size=8) | st.sampled_from([one.name for one in (add, long, marks)]), st.text(max_size=30))
def test_whatever_a_model_writes_it_is_answered(name: str, arguments: str) -> None:
    result: Any = asyncio.run(ToolBox([add, long, marks]).call(name, arguments))
    assert isinstance(result.text, str)
    assert result.text
    result.text.encode()


def test_a_tool_made_by_hand() -> None:
    async def run(arguments: dict[str, Any]) -> str:
        return arguments.get("a", 3)  # type: ignore[no-any-return]  # no text, whatever its type says

    made = Tool("t", "Show.", '{"type": "object"}', run)
    assert asyncio.run(ToolBox([made]).call("t", '{"a": [1]}')).text == "[1]"
    with pytest.raises(TypeError, match="was not made of a Python function"):
        made(1)
    for parameters in ("{", "[]", '{"type": "string"}'):
        with pytest.raises(ConfigError, match="parameters"):
            Tool("t", "Show.", parameters, run)
