"""Options that commands take together, and what help and exit codes say of them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from banchu.cli.budget_flags import BudgetFlags, EpisodeFlags
from banchu.cli.flags import takes_flags
from banchu.cli.main import EXIT_CODES, app
from banchu.cli.memory_flags import MemoryFlags
from banchu.cli.model_flags import MachineFlags, ModelFlags
from banchu.cli.recording import RecordFlags
from banchu.cli.tool_flags import ToolFlags
from banchu.core import errors
from banchu.core.errors import BanchuError, ConfigError

GROUPS: tuple[Any, ...] = (ModelFlags, ToolFlags, MemoryFlags, EpisodeFlags, BudgetFlags, RecordFlags)


def test_typer_sees_each_field_as_an_option_and_the_command_sees_one_parameter() -> None:
    seen: list[Any] = []

    @takes_flags
    def command(name: str, flags: MachineFlags, count: int = 3) -> None:
        """What it does."""
        seen.append((name, flags, count))

    app = typer.Typer()
    app.command()(command)
    parameters = {parameter.name for parameter in typer.main.get_command(app).params}
    assert {field.name for field in fields(MachineFlags)} | {"name", "count"} <= parameters
    app(["x", "--device", "cpu", "--no-fit-check"], standalone_mode=False)
    assert seen == [("x", MachineFlags(device="cpu", fit_check=False), 3)]
    assert command.__doc__ == "What it does."


def test_run_and_resume_show_each_group_under_its_title() -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, groups in (("run", GROUPS), ("resume", (MachineFlags, BudgetFlags, RecordFlags))):
        titles = {parameter.name: getattr(parameter, "rich_help_panel", None) for parameter in commands[name].params}
        for group in groups:
            assert {titles[field.name] for field in fields(group)} == {group.PANEL}
        assert titles["concurrency"] is None


def test_a_dry_run_keeps_nothing_and_says_what_contradicts_itself(tmp_path: Path) -> None:
    with RecordFlags(record=tmp_path / "r.jsonl").opened(dry=True) as recording:
        assert recording is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="--record and --cache cannot go together"):
        RecordFlags(record=tmp_path / "r.jsonl", cache=True).opened(dry=True)


def test_the_help_says_what_every_exit_code_means() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BanchuError)]
    told = {int(part.split()[0]) for part in EXIT_CODES.split(", ") if part.split()[0].isdigit()}
    assert {kind.exit_code for kind in kinds} | {0, 1, 7, 130} == told
    assert EXIT_CODES in str(app.info.epilog)
