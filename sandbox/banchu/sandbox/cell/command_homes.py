"""Where the fork server of commands lives: as for candidates, with the machine's programs in sight."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from banchu.sandbox.cell import command_root, command_tree, homes, kernel, landlock, root
from banchu.sandbox.cell import scratch as tmp
from banchu.sandbox.cell.namespaces import stage
from banchu.sandbox.cell.scratch import Scratch

_MAX_INODES = 8192
_SERVER_TASKS = 3
"""The server, the process that waits for a command, and the one that waits for the server."""
_WORKSPACE = landlock.SCRATCH | landlock.EXECUTE | landlock.MAKE_FIFO


class CommandHome(homes.Home, Protocol):
    """What the server of commands needs besides."""

    has_processes: bool
    """Whether a waiting process can look at those below it."""

    def look_inside(self) -> None:
        """In a waiting process: see the processes of its own. Raises OSError."""

    def most_tasks(self, processes: int) -> int:
        """For RLIMIT_NPROC, which counts more than a command's own."""

    def kill_all(self) -> None:
        """In a waiting process: leave nothing of what it started. Raises OSError."""


class Namespaced(homes.Namespaced):
    """Each command has a pid namespace, whose init is the process that waits for it."""

    def __init__(self, file_mib: int, private: Sequence[str]) -> None:
        super().__init__(file_mib)
        self._furnishing = command_root.Furnishing(private)
        self.has_processes = False

    def readable(self) -> dict[str, int]:
        return super().readable() | {"/": landlock.READ | landlock.EXECUTE}

    def look_inside(self) -> None:
        if self.has_processes:
            kernel.unshare(kernel.CLONE_NEWNS)
            command_root.mount_processes("/proc")

    def most_tasks(self, processes: int) -> int:
        return processes + _SERVER_TASKS

    def kill_all(self) -> None:
        command_tree.kill_namespace()

    def _build_root(self, mapped: Iterable[str]) -> None:
        root.build(mapped, command_root.files(), self._furnishing)
        self.has_processes = self._furnishing.has_processes

    def _new_scratch(self) -> Scratch:
        tmp.mount(self._file_mib, _MAX_INODES, flags=0)
        return _roomy(Scratch("/tmp", lambda act: act(), self._file_mib, watched=False))


class Contained(homes.Contained):
    """Commands are children of a process that adopts whatever they leave, and ends it."""

    def __init__(self, scratch: str, file_mib: int, user: int | None, private: Sequence[str], *, watched: bool) -> None:
        super().__init__(scratch, file_mib, user, watched=watched)
        _roomy(self.scratch)
        self._private = private
        self.has_processes = True

    def settle(self, mapped: Iterable[str]) -> None:
        super().settle(mapped)
        with stage("landlock"):
            self._readable |= command_root.rules(self._private)

    def look_inside(self) -> None:
        kernel.adopt_orphans()

    def most_tasks(self, processes: int) -> int:
        return self.max_tasks

    def kill_all(self) -> None:
        command_tree.kill_below(os.getpid())


def home_of(config: dict[str, Any]) -> Namespaced | Contained:
    """What the setup message asks for."""
    file_mib, private = config["limits"]["file_mib"], config.get("private", [])
    if config["mode"] == "namespaces":
        return Namespaced(file_mib, private)
    return Contained(config["scratch"], file_mib, config["user"], private, watched=config["watched"])


def workspace(home: homes.Home) -> dict[str, int]:
    """Landlock's rules for commands."""
    return home.readable() | {home.scratch.path: _WORKSPACE}


def _roomy(scratch: Scratch) -> Scratch:
    scratch.max_inodes = _MAX_INODES
    return scratch
