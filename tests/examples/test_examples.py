"""The examples of tools, each called as a model would call it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from banchu.agents.tools import ToolBox, from_mcp, from_spec, opened
from banchu.core.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "examples"


async def call(spec: str, tool: str, /, **arguments: object) -> tuple[str, str]:
    """(outcome, what the model is told)."""
    sources = [from_mcp(spec)] if " " in spec else from_spec(spec)
    async with opened(sources) as tools:
        result = await ToolBox(tools).call(tool, json.dumps(arguments))
    return result.outcome, result.text


def test_the_readme_names_them_all() -> None:
    named = re.findall(r"^\| `(\S+\.py)` ", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def f(x):\n    return y\n", "program.py:2:12: F821 Undefined name `y`"),
        ("def f(x):\n    return x\n", "nothing to complain of"),
        ("def f(:\n", "program.py:1:7: invalid-syntax"),
    ],
)
async def test_the_linter(code: str, told: str) -> None:
    outcome, text = await call(f"{FOLDER / 'linter.py'}:lint", "lint", code=code)
    assert outcome == "answered"
    assert text.startswith(told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def f(x: int) -> str:\n    return x + 1\n", "program.py:2: error: Incompatible return value type"),
        ("def f(x):\n    return x.real\n", "no errors of type"),
        ("import numpy\nx: int = numpy.pi\n", "no errors of type"),
        ("def f(:\n", "program.py:1: error: "),
    ],
)
async def test_the_type_checker(code: str, told: str) -> None:
    outcome, text = await call(f"{FOLDER / 'type_checker.py'}:check_types", "check_types", code=code)
    assert outcome == "answered"
    assert text.startswith(told)


async def test_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "lists.md").write_text(
        "# Lists\n\nTo sort in place, call sort.\n\nTo reverse, call reverse.\n"
    )
    (tmp_path / "other.bin").write_bytes(b"sort\0")
    monkeypatch.setenv("DOCS", str(tmp_path))
    spec = f"{FOLDER / 'library.py'}:search_docs"
    assert await call(spec, "search_docs", words='sorting NEAR("') == (
        "answered",
        "deep/lists.md:\nTo sort in place, call sort.",
    )
    assert await call(spec, "search_docs", words='"*(') == ("answered", "nothing was found")


def test_the_library_without_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCS", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"DOCS='.*none' names no folder; write DOCS=FOLDER before the command"):
        from_spec(f"{FOLDER / 'library.py'}:search_docs")


async def test_the_server() -> None:
    async with opened([from_mcp(f"{sys.executable} {FOLDER / 'mcp_server.py'}")]) as tools:
        box = ToolBox(tools)
        assert "itertools" in (await box.call("modules", "{}")).text.split()
        assert "Number of ways to choose k items" in (await box.call("explain", '{"name": "math.comb"}')).text
        assert "return the largest argument" in (await box.call("explain", '{"name": "max"}')).text
        for hidden in ("os.system", "math.__loader__", "__import__"):
            refused = await box.call("explain", json.dumps({"name": hidden}))
            assert (refused.outcome, "there is no" in refused.text) == ("failed", True)
