"""docs/tools.md: the tool that it shows is ten lines and works, its program prints what it should, its TOML is read."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from banchu.agents.critic import CHECKED_REVIEW_TOKENS, REVIEW_TOKENS
from banchu.agents.tools import McpServer, Tool, ToolLimits, from_toml
from banchu.agents.tools.talk import MAX_TURNS
from banchu.experiments.tools.builtin import BUILT_IN

ROOT = Path(__file__).parents[2]
MCP_TIME = str(Path(sys.executable).parent / "mcp-server-time")
TEXT = (ROOT / "docs" / "tools.md").read_text()
TOOL, PROGRAM = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
(TOML,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def test_the_tool_and_the_program_that_calls_it(tmp_path: Path) -> None:
    lines = [line for line in TOOL.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 10
    (tmp_path / "my_tools.py").write_text(TOOL)
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    record, result = done.stdout.splitlines()
    assert result == "2"
    assert "outcome='answered'" in record


def test_the_toml_file(tmp_path: Path) -> None:
    (tmp_path / "my_tools.py").write_text(TOOL)
    (tmp_path / "tools.toml").write_text(TOML)
    found = from_toml(tmp_path / "tools.toml")
    count, time = found.sources
    assert isinstance(count, Tool)
    assert isinstance(time, McpServer)
    assert (count.name, count.limits.max_calls, time.name) == ("count", 5, "uvx mcp-server-time")
    assert (found.limits.max_calls, found.limits.max_s) == (32, 300)


def test_the_defaults_that_it_names_are_the_defaults() -> None:
    defaults = {field.name: field.default for field in fields(ToolLimits)}
    assert f"`timeout_s` ({defaults['timeout_s']:g})" in TEXT
    assert f"a result ({defaults['max_characters']};" in " ".join(TEXT.split())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_its_commands_work_in_their_order(tmp_path: Path) -> None:
    """As written, but on 2 tasks, with a scripted model (a fake) behind a real server."""
    (tmp_path / "my_tools.py").write_text(TOOL)
    (tmp_path / "tools.toml").write_text(TOML.replace("uvx mcp-server-time", MCP_TIME))
    call = json.dumps({"name": "count", "arguments": {"text": "a", "word": "a"}})
    rows = [
        {"match": r"(?<!\[call )count(?!.*(Result of|\[tool\]))", "reply": f"```tool\n{call}\n```"},
        {"match": ".", "reply": "```python\ndef f():\n    return 1\n```\nVERDICT: incorrect"},
    ]
    (tmp_path / "script.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    serve = [sys.executable, str(ROOT / "tests/models/serve.py"), "--model", f"scripted:{tmp_path / 'script.jsonl'}"]
    server = subprocess.Popen([*serve, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    url = f"http://127.0.0.1:{server.stdout.readline().split()[-1]}/v1"
    lines = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
    assert len(lines) >= 6
    try:
        for line in lines:
            told = [word.replace("http://127.0.0.1:8000/v1", url) for word in shlex.split(line, comments=True)[1:]]
            told = [MCP_TIME if word == "mcp-server-time" else word for word in told]
            told += ["--limit", "2", "--rounds", "1"] if told[0] == "run" else []
            command = [sys.executable, "-m", "banchu.cli.main", *told]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, (line, done.stderr)
            assert "count, answered" in done.stdout or not line.startswith("banchu show")
    finally:
        server.communicate("")


def test_the_built_in_tools_are_all_there() -> None:
    table = TEXT.partition("## Built in")[2].partition("None reaches")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == set(BUILT_IN)
    assert f"at most {MAX_TURNS} turns" in TEXT
    assert f"{CHECKED_REVIEW_TOKENS} tokens instead of {REVIEW_TOKENS}" in TEXT


def test_the_picture_is_of_the_graph() -> None:
    from banchu.graphs.studio import tools

    (picture,) = re.findall(r"```mermaid\ngraph LR;\n(.*?)```", TEXT, re.DOTALL)
    drawn = {line.strip() for line in tools().get_graph().draw_mermaid().splitlines()}
    assert {line.strip() for line in picture.splitlines()} == {
        line for line in drawn if "->" in line and "tools" in line
    }
