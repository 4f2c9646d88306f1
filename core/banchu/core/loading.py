"""Code of the user's own: a name from a file, and what installed packages offer as entry points.

Such code runs in this process with the user's own rights: it is theirs. What goes wrong in it is told in one line.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from banchu.core.errors import ConfigError, unknown


def installed(group: str) -> dict[str, EntryPoint]:
    """What packages offer in a group of entry points, by name."""
    return {entry.name: entry for entry in entry_points(group=group)}


def from_entry_point(entry: EntryPoint) -> Any:
    """What an entry point names. Raises ConfigError."""
    try:
        return entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a package does at import, exit() included
        raise ConfigError(f"{offered_by(entry)} cannot be loaded: {said(error)}; reinstall its package") from None


def offered_by(entry: EntryPoint) -> str:
    """An entry point in words."""
    return f"entry point {entry.name!r} of {entry.group} ({entry.value})"


def from_file(path: Path, attribute: str, where: str) -> Any:
    """What a file of Python calls `attribute`. The file runs once for each call of this.

    Args:
        where: what the user wrote, for messages.

    Raises:
        ConfigError: no such file or name, or the file cannot be loaded.
    """
    if not path.is_file():
        raise ConfigError(f"{where}: there is no such file")
    module = _imported(path, where)
    if not hasattr(module, attribute):
        names = [name for name in vars(module) if not name.startswith("_")]
        raise unknown(f"name in {path}:", attribute, names)
    return getattr(module, attribute)


def said(error: BaseException) -> str:
    """An error of somebody else's code in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")[:300]


def _imported(path: Path, where: str) -> Any:
    name = f"banchu_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{where}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # the user's own code, which may call exit()
        raise ConfigError(f"{where}: the file cannot be loaded: {said(error)}") from None
    return module
