"""docs/tools.md: the tool that it shows is ten lines and works, its program prints what it should, its TOML is read."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from banchu.agents.tools import McpServer, Tool, ToolLimits, from_toml

TEXT = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()
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
