"""Every option of every command is explained in README.md or docs, every doc is found from the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from banchu.cli.main import app

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
TEXT = "\n".join(path.read_text() for path in (ROOT / "README.md", *DOCS))


def leaves(command: Any, name: str = "banchu") -> Iterator[tuple[str, Any]]:
    """Commands with options, by what a user types."""
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield name, command
    for child, within in children.items():
        yield from leaves(within, f"{name} {child}")


COMMANDS = list(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_option_is_explained(name: str, command: Any) -> None:
    options = [one for one in command.params if one.opts[0].startswith("-")]
    missing = [
        one.opts[0]
        for one in options
        if not any(re.search(rf"(?<![\w-]){spelt}(?![\w-])", TEXT) for spelt in (*one.opts, *one.secondary_opts))
    ]
    assert missing == []


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_help_has_an_example_and_no_line_that_is_broken_off(name: str, command: Any) -> None:
    assert re.search(rf"Examples?: .*`{name}", command.help)
    assert "\n" not in command.help.replace("\n\n", "")


def test_the_readme_leads_to_every_doc() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [path.name for path in DOCS if f"](docs/{path.name})" not in readme] == []
