"""A process each for what a program does, ended in time, and a board on which it leaves word of how far it came."""

from __future__ import annotations

import builtins
import struct
from collections.abc import Callable
from contextlib import suppress
from mmap import mmap
from os import O_RDWR as _READ_AND_WRITE
from os import WNOHANG as _AT_ONCE
from os import _exit, devnull, dup, dup2, fork, killpg, open, setsid, wait4, waitstatus_to_exitcode, write
from random import seed
from resource import RLIMIT_AS, RLIMIT_CPU, getrlimit, setrlimit
from signal import SIGALRM, SIGKILL, SIGXCPU, alarm
from time import monotonic, sleep
from typing import NoReturn

# A program may put others in the place of the built-in functions. Those that functions here use are kept apart.
globals()["__builtins__"] = dict(vars(builtins))

TOO_LONG = "the code took too long"
ENDED = "the program ended itself"
NOT_RUN = "it could not be run"

_DONE = 87
"""The exit code of work that came to its end; 0 is what programs exit with."""
_MEMORY = 768 * 2**20
"""Less than the cell's, so that a program meets MemoryError in every tier, and is not killed in some."""
_LENGTH = struct.Struct("<i")
_pack, _unpack = _LENGTH.pack_into, _LENGTH.unpack_from


class Board:
    """Slots of text that a process and its fork share.

    Args:
        slots: how many.
        room: bytes in each; what is longer is cut.
    """

    def __init__(self, slots: int, room: int) -> None:
        self._slots, self._size = slots, room + _LENGTH.size
        self._room = room
        self._memory = mmap(-1, self._size * slots)

    def put(self, slot: int, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")[: self._room]
        at = slot * self._size + _LENGTH.size
        self._memory[at : at + len(data)] = data
        self.set(slot, len(data))

    def get(self, slot: int) -> str:
        """What was put there last, "" for nothing. Whoever could write to it may have written anything."""
        at = slot * self._size + _LENGTH.size
        length = max(0, min(self._room, self.number(slot)))
        return self._memory[at : at + length].decode("utf-8", "replace")

    def set(self, slot: int, number: int) -> None:
        """Use a slot for a number instead of text."""
        _pack(self._memory, slot * self._size, number)

    def number(self, slot: int) -> int:
        return int(_unpack(self._memory, slot * self._size)[0])


def quiet() -> int:
    """A descriptor of what was standard output. What the program prints from here on goes nowhere."""
    told = dup(1)
    nowhere = open(devnull, _READ_AND_WRITE)
    for stream in (1, 2):
        dup2(nowhere, stream)
    return told


def say(told: int, text: str) -> None:
    """Write all of it. Raises OSError."""
    left = memoryview(text.encode("utf-8", "backslashreplace"))
    while left:
        left = left[write(told, left) :]


def finish() -> NoReturn:
    """End this process, without what the program wanted to be done at its end."""
    _exit(0)


def load(source: str, file: str, cpu_s: int, wall_s: int) -> tuple[dict[str, object], BaseException | None]:
    """What a program defines, and what it raised on the way. One that takes longer ends this very process."""
    scope: dict[str, object] = {"__name__": "answer"}
    before = getrlimit(RLIMIT_CPU)
    setrlimit(RLIMIT_CPU, (cpu_s, before[1]))
    alarm(wall_s)
    error = None
    seed(0)
    try:
        exec(compile(source, file, "exec"), scope)
    except BaseException as raised:  # noqa: BLE001  # whatever it raises is what is told
        error = raised
    alarm(0)
    setrlimit(RLIMIT_CPU, before)
    return scope, error


def held(work: Callable[[], None], cpu_s: int, wall_s: float) -> str:
    """Run `work` in a fork of this process: "" when it came to its end, or why it did not."""
    try:
        child = fork()
    except OSError:
        return NOT_RUN
    if child == 0:
        code = 1
        try:
            _begin(cpu_s)
            work()
            code = _DONE
        finally:
            _exit(code)
    return _watch(child, cpu_s, wall_s)


def _begin(cpu_s: int) -> None:
    setsid()
    setrlimit(RLIMIT_CPU, (cpu_s, cpu_s + 1))
    setrlimit(RLIMIT_AS, (_MEMORY, _MEMORY))
    seed(0)  # as before the judge


def _watch(child: int, cpu_s: int, wall_s: float) -> str:
    end, pause = monotonic() + wall_s, 0.0005
    while True:
        found, status, usage = wait4(child, _AT_ONCE)
        late = monotonic() > end
        if found or late:
            break
        sleep(pause)
        pause = min(0.02, pause * 1.5)
    with suppress(OSError):
        killpg(child, SIGKILL)  # what it started as well
    if not found:
        wait4(child, 0)
        return TOO_LONG
    if waitstatus_to_exitcode(status) == _DONE:
        return ""
    spent = usage.ru_utime + usage.ru_stime >= cpu_s * 0.99
    return TOO_LONG if spent or status & 0x7F in (SIGXCPU, SIGALRM) else ENDED
