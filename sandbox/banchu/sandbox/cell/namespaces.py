"""Entering the cell's namespaces, as root or as anybody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from banchu.sandbox.cell import kernel

INSIDE_ID = 1000
"""User and group of everything in the cell, as it sees itself."""
_OUTSIDE_ID = 65534
"""Who that is on the host when root starts a cell: nobody, so that no file of root's is the candidate's own."""


class SetupFailed(Exception):  # named for what happened
    """One step of building the cell was refused by the kernel."""

    def __init__(self, stage: str, error: OSError) -> None:
        super().__init__(f"{stage}: {error.strerror or error}")
        self.stage = stage
        self.code = error.errno or 0


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Names the step in which an OSError rose. Raises SetupFailed."""
    try:
        yield
    except OSError as error:
        raise SetupFailed(name, error) from None


def enter() -> None:
    """New user, mount, network, IPC and UTS namespaces for this process, and a pid namespace for its children.

    The user namespace comes first and alone, so that a refusal names its cause. Raises SetupFailed.
    """
    if _can_become_nobody():
        _enter_as_root()
    else:
        _enter_as_oneself()
    with stage("namespaces"):
        kernel.unshare(
            kernel.CLONE_NEWNS
            | kernel.CLONE_NEWPID
            | kernel.CLONE_NEWNET
            | kernel.CLONE_NEWIPC
            | kernel.CLONE_NEWUTS
            | kernel.CLONE_NEWCGROUP
        )
        kernel.set_host_name("cell")


def drop_to_candidate() -> None:
    """Become the cell's user with the one capability that making candidates takes, for good. Raises SetupFailed."""
    with stage("privileges"):
        kernel.drop_bounding_set()
        if os.geteuid() != INSIDE_ID:
            kernel.keep_capabilities()
            os.setgroups([])
            os.setresgid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
            os.setresuid(INSIDE_ID, INSIDE_ID, INSIDE_ID)
        kernel.set_capabilities(kernel.CAP_SYS_ADMIN)
        kernel.no_new_privileges()
        kernel.undumpable()


def _can_become_nobody() -> bool:
    # Root of a rootless container has no other user to turn into.
    rows = [[int(n) for n in line.split()] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return os.geteuid() == 0 and any(first <= _OUTSIDE_ID < first + count for first, _, count in rows)


def _enter_as_oneself() -> None:
    user, group = os.geteuid(), os.getegid()
    with stage("user namespace"):
        kernel.unshare(kernel.CLONE_NEWUSER)
    with stage("uid_map"):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {group} 1")


def _enter_as_root() -> None:
    """A map of two users can be written only from outside the namespace: by a child that stays there."""
    target = os.getpid()
    ready, go = os.pipe()
    mapper = os.fork()
    if mapper == 0:
        os.close(go)
        code = 0
        try:
            os.read(ready, 1)
            table = f"0 0 1\n{INSIDE_ID} {_OUTSIDE_ID} 1\n"
            Path(f"/proc/{target}/uid_map").write_text(table)
            Path(f"/proc/{target}/gid_map").write_text(table)
        except OSError as error:
            code = error.errno or 1
        finally:
            os._exit(code)
    os.close(ready)
    try:
        with stage("user namespace"):
            kernel.unshare(kernel.CLONE_NEWUSER)
    finally:
        os.close(go)
        _, status = os.waitpid(mapper, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SetupFailed("uid_map", OSError(code, os.strerror(code)))
