"""Where the fork server of commands lives: as for candidates, with the machine's programs in sight."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from banchu.sandbox.cell import command_root, command_tree, homes, kernel, landlock, root
from banchu.sandbox.cell import scratch as tmp
from banchu.sandbox.cell.namespaces import INSIDE_ID, stage
from banchu.sandbox.cell.scratch import Scratch

_MAX_INODES = 8192
_SERVER_TASKS = 2
"""The server, and the process that waits for a command."""
_WORKSPACE = landlock.SCRATCH | landlock.EXECUTE | landlock.MAKE_FIFO


class CommandHome(homes.Home, Protocol):
    """What the server of commands needs besides."""

    has_processes: bool
    """Whether a waiting process can look at those below it."""

    shows_processes: bool
    """Whether commands can, too: where they share no /proc with others."""

    def look_inside(self) -> None:
        """In a waiting process: see the processes of its own. Raises OSError."""

    def most_tasks(self, processes: int) -> int:
        """For RLIMIT_NPROC, which counts more than a command's own."""

    def kill_all(self) -> None:
        """In a waiting process: leave nothing of what it started. Raises OSError."""

    def hold(self) -> None:
        """In a waiting process: what it started stands still. Raises OSError where it does not."""

    def go_on(self) -> None:
        """In a waiting process: what it started goes on."""


class Namespaced(homes.Namespaced):
    """Each command has a pid namespace, whose init is the process that waits for it."""

    def __init__(self, file_mib: int, private: Sequence[str]) -> None:
        super().__init__(file_mib)
        self._furnishing = command_root.Furnishing(private)
        self._beside = _SERVER_TASKS
        self.has_processes = self.shows_processes = False

    def readable(self) -> dict[str, int]:
        return super().readable() | {"/": landlock.READ | landlock.EXECUTE}

    def look_inside(self) -> None:
        if self.has_processes:
            kernel.unshare(kernel.CLONE_NEWNS)
            command_root.mount_processes("/proc")

    def most_tasks(self, processes: int) -> int:
        return processes + self._beside

    def kill_all(self) -> None:
        command_tree.kill_namespace()

    def hold(self) -> None:
        command_tree.signal_namespace(signal.SIGSTOP)

    def go_on(self) -> None:
        command_tree.signal_namespace(signal.SIGCONT)

    def _build_root(self, mapped: Iterable[str]) -> None:
        # What waits for the server counts too, where it is the same user: where nobody else can be had.
        self._beside = _SERVER_TASKS + (os.geteuid() == INSIDE_ID)
        root.build(mapped, command_root.files(), self._furnishing)
        self.has_processes = self.shows_processes = self._furnishing.has_processes

    def _new_scratch(self) -> Scratch:
        tmp.mount(self._file_mib, _MAX_INODES, flags=0)
        return _roomy(Scratch("/tmp", lambda act: act(), self._file_mib, watched=False))


class Contained(homes.Contained):
    """Commands are children of a process that adopts whatever they leave, and ends it."""

    has_processes = True

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config["scratch"], config["limits"]["file_mib"], config["user"], watched=config["watched"])
        _roomy(self.scratch)
        self._private = config["private"]
        self.shows_processes = config.get("own_processes", False)

    def settle(self, mapped: Iterable[str]) -> None:
        super().settle(mapped)
        with stage("landlock"):
            self._readable |= command_root.rules(self._private)
            if self.shows_processes:
                self._readable["/proc"] = landlock.READ

    def look_inside(self) -> None:
        kernel.adopt_orphans()

    def most_tasks(self, processes: int) -> int:
        return self.max_tasks

    def kill_all(self) -> None:
        command_tree.kill_below(os.getpid())

    def hold(self) -> None:
        command_tree.stop_below(os.getpid())

    def go_on(self) -> None:
        command_tree.resume_below(os.getpid())


def home_of(config: dict[str, Any]) -> Namespaced | Contained:
    """What the setup message asks for."""
    if config["mode"] == "namespaces":
        return Namespaced(config["limits"]["file_mib"], config["private"])
    return Contained(config)


def workspace(home: homes.Home) -> dict[str, int]:
    """Landlock's rules for commands."""
    return home.readable() | {home.scratch.path: _WORKSPACE}


def _roomy(scratch: Scratch) -> Scratch:
    scratch.max_inodes = _MAX_INODES
    return scratch
