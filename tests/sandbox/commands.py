"""Programs that a cell of commands must hold, and what is left below one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from banchu.sandbox import CommandLimits, CommandResult
from banchu.sandbox.process import Process
from banchu.sandbox.warm import WarmCell

LIMITS = CommandLimits(cpu_s=2.0, wall_s=5.0, memory_mib=512, processes=32, output_kib=64, file_mib=8)
Run = Callable[..., CommandResult]
DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
open('born', 'w').close()
while True:
    time.sleep(0.01)
"""
BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.01)
"""
SOCKETS = """
import errno, socket
for family, kind in ((2, 1), (2, 2), (10, 1), (1, 1), (1, 2), (16, 3), (17, 3), (40, 1)):
    try:
        socket.socket(family, kind)
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


def below(cell: WarmCell) -> list[int]:
    """Processes of a cell, seen from here."""
    assert isinstance(cell._link, Process)
    found, waiting = [], [cell._link.pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ends just now
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += [int(child) for child in task.read_text().split()]
    return found


def nothing_below(cell: WarmCell) -> None:
    """Only the cell's own processes: what was started, the server, and bubblewrap's or a namespace's own."""
    deadline = time.monotonic() + 20
    while len(names := _names(cell)) > 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # who waited for a session tells of its end, and then ends
    assert all(name.startswith(("python", "bwrap")) for name in names), names
    assert len(names) <= 3


def _names(cell: WarmCell) -> list[str]:
    found = []
    for pid in below(cell):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return found
