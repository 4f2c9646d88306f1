"""Finding a run and its arms by what a person types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from banchu.core.errors import DataError, unknown

if TYPE_CHECKING:
    from banchu.analysis.compare import ArmData
    from banchu.experiments.config import RunConfig

_RUNS = Path("runs")


def find_run(name: str) -> Path:
    """The folder of a run: a path, a name (or its unique beginning) under ./runs, or `last`. Raises DataError."""
    from banchu.experiments.ledger import LEDGER_NAME

    if Path(name).exists():
        return Path(name)
    known = sorted(_RUNS.glob(f"*/{LEDGER_NAME}"), key=lambda ledger: ledger.stat().st_mtime)
    folders = [ledger.parent for ledger in known]
    if name == "last" and folders:
        return folders[-1]
    matches = [folder for folder in folders if folder.name.startswith(name)]
    exact = [folder for folder in matches if folder.name == name]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if matches:
        raise DataError(f"run {name!r} may be any of {', '.join(f.name for f in matches)}; give more of the name")
    listing = ", ".join(f.name for f in reversed(folders[-5:])) or "none yet"
    raise DataError(f"no run {name!r}: neither a folder nor a name under {str(_RUNS)!r} (there: {listing})")


def arms_of(text: str, *, name_run: bool) -> list[ArmData]:
    """The arms that `RUN` or `RUN:ARM` means. Raises DataError for the run, ConfigError for the arm.

    Args:
        name_run: write the run before each arm's name, where two runs are compared.
    """
    from banchu.analysis.run import arms_of_run
    from banchu.core.arm import Arm
    from banchu.experiments.rundir import open_run, stored_config

    name, colon, arm = text.rpartition(":")
    if not colon or Path(text).exists():
        name, arm = text, ""
    folder = find_run(name)
    with open_run(folder) as ledger:
        # The arm may be written in any spelling that means the same, such as with a default written out.
        wanted = Arm.parse(arm).name if arm else None
        check_arm(stored_config(ledger), wanted)
        arms = arms_of_run(ledger, run=folder.name if name_run else "")
    return [found for found in arms if wanted in (None, found.arm.name)]


def check_arm(config: RunConfig, arm: str | None) -> None:
    """Raises ConfigError where the run has no such arm."""
    if arm is not None and arm not in config.arms:
        raise unknown("arm of this run", arm, config.arms)
