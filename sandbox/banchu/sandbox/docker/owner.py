"""Whose a container is, so that what a killed app left behind is removed by the next one."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from pathlib import Path
from typing import Any, Final

OWNER_LABEL: Final = "banchu.owner"


def owner() -> str:
    """This process, apart from every other that ran or will run anywhere."""
    pid = os.getpid()
    return f"{_here()}:{pid}:{_started(pid)}"


def sweep(client: Any) -> None:
    """Remove the containers of apps that are dead. A running one ends by itself when its app does; one that was made
    but not yet started would stay for ever. Raises docker's errors."""
    import docker

    for row in client.api.containers(all=True, filters={"label": OWNER_LABEL}):
        here, _, process = row["Labels"][OWNER_LABEL].partition(":")
        pid, _, started = process.partition(":")
        if here == _here() and _started(int(pid)) != started:
            with contextlib.suppress(docker.errors.APIError):  # somebody else removes it at the same time
                client.api.remove_container(row["Id"], force=True, v=True)


@functools.cache
def _here() -> str:
    """Where process numbers mean the same: one boot of one machine, one pid namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    return hashlib.sha256(f"{boot}{Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty: there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
