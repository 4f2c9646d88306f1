"""The house itself: rooms agree with the lists that name them, files stay small, imports stay light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/banchu") if path.is_dir())
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_no_init_hides_the_other_rooms() -> None:
    assert not list(ROOT.glob("*/banchu/__init__.py"))


def test_every_room_is_in_every_list() -> None:
    build = PROJECT["tool"]["hatch"]["build"]
    assert sorted(build["dev-mode-dirs"]) == ROOMS
    assert sorted(build["targets"]["wheel"]["packages"]) == [f"{room}/banchu" for room in ROOMS]
    typed = [path.removeprefix("$MYPY_CONFIG_FILE_DIR/") for path in PROJECT["tool"]["mypy"]["mypy_path"]]
    assert sorted(path for path in typed if not path.startswith("docs/")) == ROOMS
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert sorted(room.strip().removeprefix("banchu.") for layer in layers for room in layer.split("|")) == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_a_readme_that_names_its_files(room: str) -> None:
    readme = (ROOT / room / "README.md").read_text()
    package = ROOT / room / "banchu" / room
    files = [path.name for path in package.glob("*.py") if path.name != "__init__.py"]
    assert [name for name in files if f"`{name}`" not in readme] == []
    assert (package / "py.typed").exists()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    assert len(source.splitlines()) <= 300
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= 75] == []
    assert path.stem not in {"utils", "helpers", "common", "misc"}


def test_help_imports_nothing_heavy() -> None:
    """One after the other in one interpreter, the least first."""
    program = (
        "import sys\nfrom banchu.cli.main import main\n"
        "heavy = {'langgraph', 'langchain_core', 'openai', 'transformers', 'torch', 'numpy', 'sqlite3', 'asyncio'}\n"
        "for words in ('--version', '--help', 'run --help', 'judge --help', 'audit --help', 'show --help'):\n"
        "    sys.argv = ['banchu', *words.split()]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert end.code in (0, None), end.code\n"
        "    print('HEAVY', words, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = [line for line in done.stdout.splitlines() if line.startswith("HEAVY")]
    assert len(found) == 6
    assert [line for line in found if not line.endswith(" []")] == []


def test_reading_a_ledger_needs_neither_langgraph_nor_a_model() -> None:
    program = (
        "import sys, banchu.experiments.ledger, banchu.analysis, banchu.cli.runs\n"
        "assert not {'langgraph', 'openai', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_help_names_every_isolation() -> None:
    from banchu.cli.commands.options import ISOLATION_HELP
    from banchu.sandbox import ISOLATIONS

    assert [tier for tier in ISOLATIONS if tier not in ISOLATION_HELP] == []


def test_the_help_names_every_benchmark_and_how_many_tasks_it_has() -> None:
    from banchu.benchmarks import BENCHMARKS, load_benchmark
    from banchu.cli.commands.options import BENCHMARK_HELP

    for name in (*BENCHMARKS, "easy+split=train"):
        told = re.search(rf"`{re.escape(name)}`\D*(\d+)", BENCHMARK_HELP)
        assert told, name
        assert int(told[1]) == len(load_benchmark(name).tasks)


def test_every_command_that_takes_a_benchmark_says_which_there_are() -> None:
    import typer

    from banchu.cli.commands.options import BENCHMARK_HELP
    from banchu.cli.main import app

    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    told = {
        name: parameter.help
        for name, command in commands.items()
        for parameter in command.params
        if parameter.name == "benchmark"
    }
    assert set(told) >= {"run", "judge", "audit", "tasks"}
    assert [name for name, text in told.items() if BENCHMARK_HELP not in text] == []
