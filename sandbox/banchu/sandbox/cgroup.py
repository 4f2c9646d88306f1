"""A control group per slot, where one can be had: it bounds what rlimits cannot see (tmpfs, many processes).

cgroup v1 as root; v2 where the own group is delegated to this user. Where neither is, `Group.make` says why, and the
limits of the kernel for single processes hold alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_PREFIX = "banchu-"
_numbers = itertools.count()


class Unavailable(Exception):
    """No group can be made here; says why."""


class Group:
    """A standing group: made with a slot, removed with it."""

    def __init__(self, version: str, folders: dict[str, Path]) -> None:
        self.version = version
        """`v1` or `v2`."""
        self._folders = folders

    @classmethod
    def make(cls, memory_mib: int, tasks: int) -> Group:
        """A group of at most so much memory and so many processes and threads. Raises Unavailable."""
        name = f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
        own = _own_groups()
        try:
            if "memory" in own:
                return cls._make_v1(name, own, memory_mib, tasks)
            if "" in own:
                return cls._make_v2(name, own[""], memory_mib, tasks)
        except OSError as error:
            raise Unavailable(f"{error.filename or 'cgroup'}: {error.strerror}") from None
        raise Unavailable("no memory controller is mounted")

    @classmethod
    def _make_v1(cls, name: str, own: dict[str, Path], memory_mib: int, tasks: int) -> Group:
        group = cls("v1", {kind: own[kind] / name for kind in ("memory", "pids") if kind in own})
        try:
            for folder in group._folders.values():
                _sweep(folder.parent)
                folder.mkdir()
            memory = group._folders["memory"]
            _write(memory / "memory.limit_in_bytes", memory_mib << 20)
            if (memory / "memory.memsw.limit_in_bytes").exists():
                _write(memory / "memory.memsw.limit_in_bytes", memory_mib << 20)
            if "pids" in group._folders:
                _write(group._folders["pids"] / "pids.max", tasks)
        except OSError:
            group.close()
            raise
        return group

    @classmethod
    def _make_v2(cls, name: str, parent: Path, memory_mib: int, tasks: int) -> Group:
        group = cls("v2", {"": parent / name})
        _sweep(parent)
        _write(parent / "cgroup.subtree_control", "+memory +pids")
        try:
            folder = group._folders[""]
            folder.mkdir()
            _write(folder / "memory.max", memory_mib << 20)
            if (folder / "memory.swap.max").exists():
                _write(folder / "memory.swap.max", 0)
            _write(folder / "pids.max", tasks)
        except OSError:
            group.close()
            raise
        return group

    def add(self, pid: int) -> None:
        """Account a process, and all that it has started and will start."""
        for folder in self._folders.values():
            _write(folder / "cgroup.procs", pid)
        # A launcher may have been quicker; whoever starts from now on is accounted with its parent.
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in "".join(_read(str(children))).split():
                with contextlib.suppress(ProcessLookupError):
                    self.add(int(child))

    def kill(self) -> None:
        """Kill all that is in it."""
        for folder in self._folders.values():
            with contextlib.suppress(OSError):
                for pid in (folder / "cgroup.procs").read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)

    @property
    def bounds_tasks(self) -> bool:
        """Not where version 1 has no controller for them."""
        return self.version == "v2" or "pids" in self._folders

    def out_of_memory(self) -> int:
        """How often the kernel has killed one of its processes for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            for folder in self._folders.values():
                for line in _read(str(folder / name)):
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        return 0

    def close(self) -> None:
        """Remove it. Idempotent. A process that has just died may hold it for a moment."""
        for folder in self._folders.values():
            for attempt in range(50):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    if attempt == 20:
                        self.kill()
                    time.sleep(0.01)
                else:
                    break


def _own_groups() -> dict[str, Path]:
    """Controller to the folder of this process's own group; "" is the unified hierarchy."""
    mounts = {fields[4]: fields for fields in (line.split() for line in _read("/proc/self/mountinfo"))}
    found: dict[str, Path] = {}
    for line in _read("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            for point in (_MOUNT / controller, _MOUNT):
                if str(point) in mounts and _is(mounts[str(point)], controller):
                    found[controller] = point / path.lstrip("/")
    return {kind: folder for kind, folder in found.items() if folder.is_dir()}


def _is(mount: list[str], controller: str) -> bool:
    kind, _source, options = mount[mount.index("-") + 1 :][:3]
    return kind == "cgroup2" if controller == "" else kind == "cgroup" and controller in options.split(",")


def _sweep(parent: Path) -> None:
    """Remove groups that a killed app left."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _read(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _write(path: Path, value: int | str) -> None:
    path.write_text(str(value))
