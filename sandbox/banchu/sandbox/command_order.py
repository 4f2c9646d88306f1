"""What a cell is asked to run: checked, and ready to be sent."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from banchu.core.errors import ConfigError
from banchu.sandbox.limits import CommandLimits
from banchu.sandbox.link import Link

_MAX_ARGUMENT: Final = 2**17 - 1
"""Bytes that Linux takes as one argument."""
_MAX_ARGUMENTS: Final = 2**20
_MAX_NAME: Final = 255
_MAX_PATH: Final = 1024


class Order:
    """One command. `converse`: it is told more as it runs, see `session.py`. Raises ConfigError."""

    PYTHON: Final = "\0python"
    """In the place of a program: the interpreter of the cell, wherever it lies there."""

    def __init__(
        self,
        command: Sequence[str] | str,
        files: Mapping[str, str | bytes],
        stdin: str | bytes,
        env: Mapping[str, str],
        *,
        keep: bool,
        read: Sequence[str],
        limits: CommandLimits,
        converse: bool = False,
    ) -> None:
        self.read = list(dict.fromkeys(_names("read", [read] if isinstance(read, str) else read)))
        contents = {name: _bytes(f"file {name!r}", files[name]) for name in _names("files", files)}
        given = _bytes("stdin", stdin)
        if (size := len(given) + sum(map(len, contents.values()))) > limits.file_mib << 20:
            raise ConfigError(f"files and stdin of {size} bytes exceed limit file_mib={limits.file_mib}; raise it")
        self._message: dict[str, Any] = {
            "op": "converse" if converse else "run",
            "command": _arguments(command),
            "files": {name: base64.b64encode(content).decode() for name, content in contents.items()},
            "stdin": base64.b64encode(given).decode(),
            "env": _environment(env),
            "keep": keep,
            "read": self.read,
            "limits": asdict(limits),
        }
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._cancelled = False

    def begin(self, link: Link) -> None:
        """Send it. Raises Failed."""
        with self._lock:
            link.send(self._message)
            self._link = link
            if self._cancelled:
                link.send({"op": "end"})

    def end(self) -> None:
        """It has been answered."""
        with self._lock:
            self._link = None

    def cancel(self) -> None:
        """Have it ended, now or as soon as it begins. From any thread. Raises Failed."""
        with self._lock:
            self._cancelled = True
            if self._link is not None:
                self._link.send({"op": "end"})


def _arguments(command: Sequence[str] | str) -> list[str | None]:
    """As the cell takes them; None stands for its own interpreter."""
    if isinstance(command, str):
        if not command.strip():
            raise ConfigError("command is empty; give a line for the shell or a list of arguments")
        command = ["/bin/sh", "-c", command]
    if not command or not command[0]:
        raise ConfigError("command is empty; give a line for the shell or a list of arguments")
    found: list[str | None] = []
    for argument in command:
        if argument == Order.PYTHON:
            found.append(None)
            continue
        if len(_text("argument", argument)) > _MAX_ARGUMENT:
            raise ConfigError(
                f"an argument of command is longer than {_MAX_ARGUMENT} bytes; pass it as a file or stdin"
            )
        found.append(argument)
    if sum(len(argument or "") for argument in found) > _MAX_ARGUMENTS:
        raise ConfigError(f"command is longer than {_MAX_ARGUMENTS} bytes; pass its arguments as a file or stdin")
    return found


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    for name, value in env.items():
        if not name or "=" in name:
            raise ConfigError(f"env {name!r} is no name of a variable")
        if len(_text(f"env {name!r}", name)) + len(_text(f"env {name!r}", value)) > _MAX_ARGUMENT - 1:
            raise ConfigError(f"env {name!r} is longer than {_MAX_ARGUMENT} bytes; pass it as a file or stdin")
    return dict(env)


def _names(field: str, names: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Of files below the workspace. Raises ConfigError."""
    for name in names:
        length = len(_text(field, name))
        parts = name.split("/")
        if length > _MAX_PATH or any(len(part.encode()) > _MAX_NAME for part in parts):
            raise ConfigError(f"{field} {name[:60]!r}... is too long a name")
        if any(part in ("", ".", "..") for part in parts):
            raise ConfigError(f"{field} {name!r} is no plain name below the workspace, such as 'data/in.txt'")
    return list(names)


def _text(field: str, value: str) -> bytes:
    if not isinstance(value, str):
        raise ConfigError(f"{field} {value!r} must be text")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{field} {value[:60]!r} is no valid Unicode") from None
    if b"\0" in encoded:
        raise ConfigError(f"{field} {value[:60]!r} holds a NUL; no program could read on")
    return encoded


def _bytes(field: str, value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ConfigError(f"{field} must be text or bytes, not {type(value).__name__}")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{field} is no valid Unicode; give it as bytes") from None
