"""MCP servers in processes of their own, over stdio and HTTP: a small one of ours, and one from PyPI (slow)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from banchu.agents.tools import McpOptions, McpServer, ToolBox, ToolLimits, from_mcp, opened
from banchu.core.errors import ConfigError, ToolError
from banchu.core.tool_record import ToolCallRecord

SERVER = Path(__file__).parent / "server.py"
COMMAND = (sys.executable, str(SERVER))
NAMES = ["add", "shout_at", "refuse", "picture", "sleep", "environment", "where", "die"]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason="the package mcp is not installed"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box() -> AsyncIterator[ToolBox]:
    """Over stdio, for all tests that do not end it."""
    async with opened([McpServer(COMMAND)]) as tools:
        yield ToolBox(tools)


async def test_its_tools_are_offered_as_they_are(box: ToolBox) -> None:
    assert [tool.name for tool in box.tools] == NAMES  # a dot is no part of a name that APIs take
    add = box.tools[0]
    assert add.description == "Add two numbers."
    schema = json.loads(add.parameters)
    assert (schema["type"], schema["required"], schema["properties"]["a"]["type"]) == ("object", ["a", "b"], "integer")
    assert add.version == "mcp small 1.2"


@pytest.mark.parametrize(
    ("name", "arguments", "text", "outcome"),
    [
        ("add", '{"a": 1, "b": 2}', "3", "answered"),
        ("shout_at", "{'text': 'hey', 'times': 2}", "HEY HEY", "answered"),
        ("picture", "", "[image/png, not shown]\nseen", "answered"),
        ("refuse", '{"why": "not today"}', "not today", "failed"),
        ("add", '{"a": "x", "b": 2}', "valid integer", "failed"),
        ("add", '{"a": 1}', "Field required", "failed"),
    ],
)
async def test_a_call_and_what_the_model_is_told(
    box: ToolBox, name: str, arguments: str, text: str, outcome: str
) -> None:
    result = await ToolBox(box.tools).call(name, arguments)
    assert result.outcome == outcome
    assert text in result.text
    if outcome == "answered":
        assert result.text == text


async def test_calls_of_many_episodes_at_once(box: ToolBox) -> None:
    results = await asyncio.gather(*(ToolBox(box.tools).call("add", f'{{"a": {n}, "b": 1}}') for n in range(40)))
    assert [result.text for result in results] == [str(n + 1) for n in range(40)]


async def test_a_slow_call_is_stopped_and_a_server_that_dies_is_told_to_the_user() -> None:
    records: list[ToolCallRecord] = []
    async with opened([McpServer(COMMAND, McpOptions(limits=ToolLimits(timeout_s=0.3)))]) as tools:
        box = ToolBox(tools, sink=records.append)
        slow = await box.call("sleep", '{"seconds": 60}')
        assert (slow.outcome, slow.text) == ("timed_out", "sleep was stopped after 0.3 seconds.")
        assert (await box.call("add", '{"a": 1, "b": 2}')).text == "3"
        for name in ("die", "add"):
            with pytest.raises(
                ToolError, match=r"MCP server '.*server.py' failed: .*closed; it said: \.\.\..*of cheese"
            ):
                await box.call(name, '{"a": 1, "b": 2}' if name == "add" else "{}")
    assert [record.outcome for record in records] == ["timed_out", "answered", "host_failed", "host_failed"]
    with pytest.raises(ToolError, match="is not running"):
        await ToolBox(tools).call("add", '{"a": 1, "b": 2}')


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("no-such-program-here", "x"), "there is no program 'no-such-program-here' here"),
        ((*COMMAND, "sick"), r"closed; it said: \.\.\.no key was given"),
        ((*COMMAND, "mute"), "does not answer within 0.5 s"),
    ],
)
async def test_a_server_that_does_not_start(command: tuple[str, ...], said: str) -> None:
    options = McpOptions(start_s=0.5 if "mute" in command else 30.0)
    begun = time.monotonic()
    with pytest.raises(ToolError, match=said):
        async with opened([McpServer(command, options)]):
            pass
    assert time.monotonic() - begun < 20


async def test_a_server_without_tools_and_a_program_that_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"server.py empty' offers no tools"):
        async with opened([McpServer((*COMMAND, "empty"))]):
            pass
    with pytest.raises(ToolError, match=r"server.py chatty' failed: MCPError: Connection closed"):
        async with opened([McpServer((*COMMAND, "chatty"))]):
            pass
    assert "Traceback" not in capfd.readouterr().err  # the SDK logs what it cannot read


async def test_a_program_gets_no_key_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    options = McpOptions(
        env={"GIVEN": "yes"}, cwd=str(tmp_path), only=("environment", "where"), prefix="my_", oracle=True
    )
    async with opened([McpServer(COMMAND, options)]) as tools:
        box = ToolBox(tools)
        assert [tool.name for tool in box.tools] == ["my_environment", "my_where"]
        assert all(tool.oracle for tool in box.tools)
        told = [
            await box.call("my_environment", json.dumps({"name": name})) for name in ("OPENAI_API_KEY", "GIVEN", "PATH")
        ]
        assert [result.text for result in told] == ["(not set)", "yes", os.environ["PATH"]]
        assert (await box.call("my_where", "")).text == str(tmp_path)


async def test_a_tool_that_it_does_not_have_and_nothing_is_left_of_it() -> None:
    server = McpServer(COMMAND, McpOptions(only=("ad",)))
    before = children()
    with pytest.raises(ConfigError, match=r"unknown tool of MCP server .*'ad'. Did you mean 'add'\?"):
        await server.tools()
    assert len(children() - before) == 1
    await server.aclose()
    await server.aclose()
    assert children() - before == set()


def children() -> set[str]:
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "server.py"], capture_output=True, text=True)
    return set(found.stdout.split())


# Streamable HTTP


@pytest.fixture(scope="module")
def http() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen([*COMMAND, "http"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}/mcp", process
    process.kill()
    process.communicate()


async def test_an_address_and_its_headers(http: tuple[str, subprocess.Popen[str]]) -> None:
    address = http[0]
    async with opened([from_mcp(address, McpOptions(headers={"x-key": "open"}))]) as tools:
        box = ToolBox(tools)
        assert [tool.name for tool in tools] == NAMES
        results = await asyncio.gather(*(box.call("add", f'{{"a": {n}, "b": 1}}') for n in range(10)))
        assert [result.text for result in results] == [str(n + 1) for n in range(10)]
        assert (await box.call("refuse", '{"why": "not today"}')).outcome == "failed"
    with pytest.raises(ToolError, match=r"MCP server 'http://127.0.0.1:\d+/mcp' failed"):
        async with opened([from_mcp(f"{address.replace('//', '//me:secret@')}?token=secret")]):
            pass


async def test_an_address_that_goes_away(http: tuple[str, subprocess.Popen[str]]) -> None:
    address, process = http
    async with opened([from_mcp(address, McpOptions(headers={"x-key": "open"}))]) as tools:
        box = ToolBox(tools)
        assert (await box.call("add", '{"a": 1, "b": 1}')).text == "2"
        process.send_signal(signal.SIGKILL)
        process.wait()
        with pytest.raises(ToolError, match="failed"):
            await box.call("add", '{"a": 1, "b": 1}')


# A server of somebody else's


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("mcp_server_time") is None, reason="the package mcp-server-time is not installed"
)
async def test_a_real_server_from_pypi() -> None:
    """mcp-server-time, of the Model Context Protocol's own reference servers."""
    words = shlex.join([sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC"])
    async with opened([from_mcp(words)]) as tools:
        box = ToolBox(tools)
        assert [tool.name for tool in tools] == ["get_current_time", "convert_time"]
        asked = {"source_timezone": "UTC", "time": "12:30", "target_timezone": "Asia/Seoul"}
        told = json.loads((await box.call("convert_time", json.dumps(asked))).text)
        assert told["target"]["datetime"].endswith("T21:30:00+09:00")
        wrong = await box.call("convert_time", json.dumps({**asked, "source_timezone": "Mars"}))
        assert (wrong.outcome, "Mars" in wrong.text) == ("failed", True)
