"""What could leak, counted: processes, descriptors, mounts, control groups, files, containers, memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from judging.cpu import descendants

_PREFIX = "banchu-"
COUNTED = ("processes", "zombies", "own fds", "all fds", "mounts", "cgroups", "files", "containers")


@dataclass(frozen=True)
class Look:
    """What there is at one time."""

    counts: dict[str, int]
    rss_kib: dict[str, int] = field(default_factory=dict)
    """Of the app, and the sums of all cells and of all testers."""


def look(tier: str) -> Look:
    """Count now."""
    app = os.getpid()
    below = descendants(app)
    counts = {
        "processes": len(below),
        "zombies": sum(_field(pid, "State").startswith("Z") for pid in below),
        "own fds": len(_names(f"/proc/{app}/fd")),
        "all fds": sum(len(_names(f"/proc/{pid}/fd")) for pid in (app, *below)),
        "mounts": sum(map(_mounts, (app, *below))),
        "cgroups": sum(len(list(Path("/sys/fs/cgroup").glob(f"{depth}{_PREFIX}{app}-*"))) for depth in _DEPTHS),
        "files": sum(_within(path) for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}slot-{app}-*")),
        "containers": _containers() if tier == "docker" else 0,
    }
    rss = {"app": _rss(app), "cells": 0, "testers": 0}
    for pid in below:
        rss["testers" if "tester" in _command(pid) else "cells"] += _rss(pid)
    return Look(counts, rss)


_DEPTHS = ("", "*/", "*/*/", "*/*/*/")


def _within(folder: Path) -> int:
    return 1 + sum(1 for _ in folder.rglob("*"))


def _containers() -> int:
    program = shutil.which("docker")
    if program is None:
        return 0
    said = subprocess.run([program, "ps", "-aq"], capture_output=True, text=True, check=False)
    return len(said.stdout.split())


def _names(folder: str) -> list[Path]:
    with contextlib.suppress(OSError):
        return list(Path(folder).iterdir())
    return []


def _mounts(pid: int) -> int:
    """Without Docker's: those of other programs on this machine come and go."""
    with contextlib.suppress(OSError):
        return sum("docker" not in line for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines())
    return 0


def _command(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return []


def _rss(pid: int) -> int:
    return int(_field(pid, "VmRSS").split()[0] or 0) if _field(pid, "VmRSS") else 0


def _field(pid: int, name: str) -> str:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return line.partition(":")[2].strip()
    return ""
