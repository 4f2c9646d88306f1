"""Starting a cell: what each tier of isolation takes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from banchu.sandbox.cell import command_root
from banchu.sandbox.cell.landlock import LEAST_ALONE, LEAST_FOR_SIGNALS
from banchu.sandbox.cell.root import outermost
from banchu.sandbox.cell.scratch import sweep
from banchu.sandbox.cgroup import Group, Unavailable
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import CommandLimits, Limits
from banchu.sandbox.link import Failed, Link, Message
from banchu.sandbox.process import BOOT, FLAGS, Process, own_python

AnyLimits = Limits | CommandLimits
_AS_ANOTHER: Final = "run as another user, or ask for --isolation namespaces"
NOBODY: Final = 65534
_FOLDER: Final = "banchu-slot-"
_CODE: Final = "/banchu/sandbox"
"""Where bubblewrap shows the cell's code."""
_SERVER_MIB = 128
"""What the fork server and the kernel need beside a candidate, in a group's account."""
_GROUP_TASKS = 96
"""Processes and threads of a slot: a candidate's threads, and the server's own."""
_COMMAND_TASKS = 8
"""Beside those of a command: the server, those that wait, and one that sweeps."""


def open_cell(isolation: Isolation, limits: AnyLimits, profile: str = "function") -> Link:
    """A cell that holds candidates so. Raises Failed."""
    match isolation.tier:
        case "namespaces":
            return _namespaces(isolation, limits, profile)
        case "landlock":
            return Hosted(isolation, limits, profile)
        case "bwrap":
            return _bubblewrap(isolation, limits, profile)
    from banchu.sandbox.docker.container import Container

    return Container(isolation, limits, profile)


def _namespaces(isolation: Isolation, limits: AnyLimits, profile: str) -> Process:
    group = group_for(limits)
    config = {"mode": "namespaces", **common(limits, profile, grouped=group is not None)}
    return Process("cell", config, python=isolation.options.get("python"), group=group)


def _sweep_stale() -> None:
    """Remove folders that killed apps of this user left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        owner = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                sweep(str(folder))
                folder.rmdir()


class Hosted(Process):
    """A cell without namespaces, in a folder of this slot's own."""

    def __init__(self, isolation: Isolation, limits: AnyLimits, profile: str) -> None:
        _sweep_stale()
        self._scratch = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")
        user = NOBODY if os.geteuid() == 0 else None
        if user is not None:
            os.chown(self._scratch, user, user)
        config = {"mode": "contained", "scratch": self._scratch, "user": user, "watched": True}
        group = group_for(limits)
        least = LEAST_FOR_SIGNALS if profile == "command" else LEAST_ALONE
        config |= common(limits, profile, grouped=group is not None) | {"least_landlock": least, "shared_files": True}
        python = isolation.options.get("python")
        try:
            super().__init__("cell", config, python=python, scratch=self._scratch, group=group)
        except Failed:
            self._remove()
            raise

    def close(self, hang_up_s: float = 1.0) -> None:
        super().close(hang_up_s)
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            sweep(self._scratch)
            os.rmdir(self._scratch)  # noqa: PTH106


def _bubblewrap(isolation: Isolation, limits: AnyLimits, profile: str) -> Process:
    program = shutil.which("bwrap")
    if program is None:
        raise Failed("bubblewrap is not installed", {"stage": "bwrap"})
    python = isolation.options.get("python") or own_python()
    size = str(limits.file_mib << 20)
    launcher = [program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    shown = _needed_by(python)
    if profile == "command":
        shown = outermost([*command_root.programs(), *shown])
    for path in shown:
        launcher += ["--ro-bind", path, path]
    launcher += ["--ro-bind", str(BOOT.parent), _CODE]  # not where it lies, which may be below /tmp
    for link in ("/lib", "/lib64", "/bin", "/sbin"):
        if Path(link).is_symlink():
            launcher += ["--symlink", str(Path(link).readlink()), link]
    launcher += ["--dev", "/dev", "--proc", "/proc", "--size", size, "--tmpfs", "/tmp", "--chdir", "/", "--"]
    # Its tmpfs has a size, but no most number of files.
    group = group_for(limits)
    config: Message = {"mode": "contained", "scratch": "/tmp", "user": None, "watched": True}
    config |= common(limits, profile, grouped=group is not None)
    if profile == "command":
        if os.geteuid() == 0 and not (group is not None and group.bounds_tasks):
            # bubblewrap of root's stays root, for whom the kernel counts no processes.
            if group is not None:
                group.close()
            raise Failed("nothing here bounds the processes of root", {"stage": "bwrap", "remedy": _AS_ANOTHER})
        config |= {"least_landlock": LEAST_FOR_SIGNALS, "own_processes": True}
    return Process("cell", config, python=python, launcher=launcher, boot=f"{_CODE}/{BOOT.name}", group=group)


def _needed_by(python: str) -> list[str]:
    """Folders that an interpreter reads; none holds another. Private files are not among them."""
    import sysconfig

    prefix = Path(os.path.realpath(python)).parents[1]
    wanted = {str(prefix), "/usr/lib", "/usr/lib64", "/lib", "/lib64", sysconfig.get_path("stdlib")}
    present = sorted(path for path in wanted if Path(path).is_dir() and not Path(path).is_symlink())
    return [path for path in present if not any(path.startswith(f"{other}/") for other in present)]


def common(limits: AnyLimits, profile: str, *, grouped: bool = False) -> Message:
    """What the first message says in every tier. The limits in it hold for all candidates of a cell.

    `grouped`: whether a control group bounds the memory of all processes together.
    """
    said: Message = {"profile": profile, "limits": {"memory_mib": limits.memory_mib, "file_mib": limits.file_mib}}
    if profile == "command":
        said |= {"grouped": grouped, "private": _private()}
    return said


def _private() -> list[str]:
    """Folders of this program and its packages, wherever they lie: commands see the machine's, and not these."""
    import sysconfig

    return sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(BOOT.parents[2])})


def group_for(limits: AnyLimits) -> Group | None:
    """A control group for one slot, or None where none can be had."""
    with contextlib.suppress(Unavailable):
        tasks = _GROUP_TASKS if isinstance(limits, Limits) else limits.processes + _COMMAND_TASKS
        return Group.make(limits.memory_mib + limits.file_mib + _SERVER_MIB, tasks)
    return None


def command_of_cell(python: str, boot: str, address: str) -> Sequence[str]:
    """How a cell is started elsewhere, such as in a container."""
    return [python, *FLAGS, boot, "cell", address]
