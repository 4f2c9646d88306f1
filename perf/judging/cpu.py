"""CPU time of this process and of everything below it, whether it still runs, has ended, or was ended by others.

With cgroup v1 as root: a group of the `cpuacct` controller, exact to a nanosecond, which also holds what containers
use when their daemon is told to put them there. Elsewhere: what the kernel keeps for each process, in ticks of 10 ms,
of all that live below this one, and of their ended children.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from pathlib import Path

_CPUACCT = Path("/sys/fs/cgroup/cpuacct")
_PREFIX = "banchu-perf-"


class Meter:
    """Make one before anything that it should count is started."""

    def __init__(self) -> None:
        self.group = _joined_group()
        """Name of the own group as from the root of all controllers, or "" where there is none."""
        self._usage = _CPUACCT / self.group / "cpuacct.usage" if self.group else None

    @property
    def words(self) -> str:
        """How it counts."""
        return "cpuacct group" if self._usage else "/proc"

    def seconds(self) -> float:
        """CPU seconds so far."""
        if self._usage is not None:
            return int(self._usage.read_text()) / 1e9
        total = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return total + sum(map(_spent, descendants(os.getpid())))

    def close(self) -> None:
        """Leave the group and remove it, if everything in it has ended."""
        if not self.group:
            return
        (_CPUACCT / "cgroup.procs").write_text(str(os.getpid()))
        # A container's daemon makes the group in the other controllers too.
        for folder in _CPUACCT.parent.glob(f"*/{self.group}"):
            for _ in range(50):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """Everything that lives below a process, in any pid namespace."""
    found, left = [], [pid]
    while left:
        parent = left.pop()
        for task in Path(f"/proc/{parent}/task").glob("*"):
            with contextlib.suppress(OSError):
                left += (children := [int(child) for child in (task / "children").read_text().split()])
                found += children
    return found


def _spent(pid: int) -> float:
    """Of a process and its ended children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _joined_group() -> str:
    name = f"{_PREFIX}{os.getpid()}"
    try:
        (_CPUACCT / name).mkdir()
        (_CPUACCT / name / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        with contextlib.suppress(OSError):
            (_CPUACCT / name).rmdir()
        return ""
    return name
