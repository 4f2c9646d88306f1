"""The processes below one, as /proc shows them: their CPU time, and how to end them all."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 10.0
_PAUSE_S = 0.001
_STILL_S = 2.0


class Task(NamedTuple):
    """A process."""

    pid: int
    parent: int
    alive: bool
    """Not merely waiting to be collected."""
    still: bool
    """Stopped by a signal, or not alive."""
    cpu_s: float
    """Its own, and that of the children it has collected."""


def below(top: int) -> list[Task]:
    """All that descend from a process and have not been collected, in any order."""
    children: dict[int, list[Task]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (task := _task(int(name))) is not None:
            children.setdefault(task.parent, []).append(task)
    found: list[Task] = []
    waiting = [top]
    while waiting:
        next_ones = children.get(waiting.pop(), [])
        found += next_ones
        waiting += [task.pid for task in next_ones]
    return found


def kill_namespace() -> None:
    """For the init of a pid namespace, where all others descend from it. Raises OSError."""
    if os.getpid() != 1:
        raise OSError("not the init of a pid namespace")
    _until_childless(lambda: _kill(-1))


def kill_below(top: int) -> None:
    """For a process that adopts orphans. Raises OSError."""

    def kill() -> None:
        # Nothing is collected in between: the dead keep their places in the count that bounds a fork bomb.
        deadline = time.monotonic() + _PATIENCE_S
        while (alive := [task.pid for task in below(top) if task.alive]) and time.monotonic() < deadline:
            for pid in alive:
                _kill(pid)
            time.sleep(0)

    _until_childless(kill)


def signal_namespace(number: int) -> None:
    """For the init of a pid namespace: to all others at once."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def stop_below(top: int) -> None:
    """For a process that adopts orphans: all others stand still. Raises OSError where they do not."""
    deadline = time.monotonic() + _STILL_S
    while running := [task.pid for task in below(top) if not task.still]:
        if time.monotonic() > deadline:
            raise OSError("a process below does not stand still")
        for pid in running:
            _kill(pid, signal.SIGSTOP)
        time.sleep(_PAUSE_S)


def resume_below(top: int) -> None:
    """The contrary."""
    for task in below(top):
        _kill(task.pid, signal.SIGCONT)


def collect(but: int) -> None:
    """Those children that have ended, up to one that somebody else waits for."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == but:
                return
            os.waitpid(ended.si_pid, 0)


def _until_childless(kill: Callable[[], None]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        kill()
        time.sleep(_PAUSE_S)
    raise OSError("a process below does not die")


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _task(pid: int) -> Task | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:  # it ended just now
        return None
    ticks = sum(map(int, fields[11:15]))
    alive = fields[0] not in (b"Z", b"X")
    return Task(pid, int(fields[1]), alive, not alive or fields[0] == b"T", ticks * _TICK_S)
