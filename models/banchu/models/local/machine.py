"""What this machine has for a model: free memory and GPUs, found out without importing torch here."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from banchu.models.local.placement import Gpu

_DRIVERS: Final = ("nvidia[0-9]*", "kfd", "dxg")
"""Device files of NVIDIA's and AMD's drivers, and of Windows' for Linux."""


def memory_available(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that processes may still take: what the kernel has, or less where a control group says so; None: unknown.

    Page cache counts as free in both: it goes when it is needed.
    """
    found = [_meminfo(proc), *_limits(proc, cgroups)]
    return min((size for size in found if size is not None), default=None)


def _meminfo(proc: Path) -> int | None:
    try:
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _limits(proc: Path, cgroups: Path) -> list[int | None]:
    """What is left in the process's control group and in each above it, of version 2 and 1."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    found: list[int | None] = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            for root in (cgroups, cgroups / "unified"):
                found += [_left(at, "memory.max", "memory.current", "inactive_file") for at in _up(root, path)]
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            found += [_left(at, *names) for at in _up(cgroups / "memory", path)]
    return found


def _up(root: Path, path: str) -> list[Path]:
    """The group's folder and those above it. In a container the path may be that of the host: then the root is left."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:n]) for n in range(len(parts), -1, -1)]


def _left(group: Path, limit: str, usage: str, cached: str) -> int | None:
    try:
        most, used = (group / limit).read_text().strip(), int((group / usage).read_text())
        if most == "max":
            return None
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, int(most) - used + int(stat.get(cached, 0)))
    except (OSError, ValueError):
        return None


def may_have_gpu(devices: Path = Path("/dev")) -> bool:
    """Whether there is a driver, so that asking torch is worth its seconds."""
    return any(any(devices.glob(pattern)) for pattern in _DRIVERS)


@functools.cache
def gpus() -> tuple[Gpu, ...]:
    """The GPUs that torch can use, with what is free on each; asked once, in a process of its own."""
    # -P: Python would look for modules in the user's folder first, where a `random.py` may lie.
    command = [sys.executable, "-P", "-m", "banchu.models.local.gpus"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return tuple(Gpu(**gpu) for gpu in json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):  # torch is missing, or cannot be imported
        return ()
