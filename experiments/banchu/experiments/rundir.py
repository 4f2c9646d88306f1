"""Where a run lies: one folder, named by its configuration, so that the same command finds it again."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from types import TracebackType
from typing import IO

from banchu.core.errors import DataError, StorageError
from banchu.experiments.config import RunConfig, config_of
from banchu.experiments.ledger import LEDGER_NAME, Ledger


def run_folder(out: Path, config: RunConfig, *, fresh: bool = False) -> Path:
    """The folder of this configuration under `out`; with `fresh`, the next one that does not exist."""
    model = re.sub(r"[^A-Za-z0-9.]+", "-", config.model.split("@")[0]).strip("-")
    name = f"{config.benchmark}-{model}-{config.digest[:8]}"
    folder, n = out / name, 1
    while fresh and folder.exists():
        n += 1
        folder = out / f"{name}-{n}"
    return folder


def open_run(folder: Path) -> Ledger:
    """The ledger of a run folder (or of the ledger file itself), for reading. Raises DataError."""
    return Ledger(folder / LEDGER_NAME if folder.is_dir() or not folder.suffix else folder)


def stored_config(ledger: Ledger) -> RunConfig:
    """The configuration the run was started with. Raises DataError."""
    stored = ledger.meta("config")
    if stored is None:
        raise DataError(f"{str(ledger.path)!r} has no configuration: the run died before it began; delete its folder")
    return config_of(stored)


class RunLock:
    """Keeps a second process from writing the same run. Freed by the system when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> RunLock:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+")
        except OSError as error:
            raise self._refused(error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise StorageError(
                f"run {str(self._path.parent)!r} is being written by process {owner}; "
                f"wait for it, end it, or use --fresh"
            ) from None
        try:
            self._file.truncate(0)
            self._file.write(str(os.getpid()))
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from None
        return self

    def _refused(self, error: OSError) -> StorageError:
        folder = str(self._path.parent)
        return StorageError(
            f"cannot write in the run folder {folder!r}: {error.strerror}; "
            f"free space there, or choose another with --out"
        )

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()
