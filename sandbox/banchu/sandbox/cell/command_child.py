"""The command itself, up to the moment when the program takes over: rights, limits, files, then exec."""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import resource
import signal
from typing import Any, NoReturn

from banchu.sandbox.cell import command_homes, kernel, landlock

_MAX_FILES = 256
_STACK_BYTES = 8 * 2**20
_NOT_FOUND, _CANNOT_RUN = 127, 126
"""As shells answer."""
_ERRORS = 3


class Start:
    """What the server prepared for all commands.

    Args:
        home: whose rights are given up.
        install_filter: the second filter of commands.
        with_landlock: whether the kernel has it.
        grouped: whether a control group bounds memory; else address space does, which some runtimes only reserve.
    """

    def __init__(
        self, home: command_homes.CommandHome, install_filter: kernel.Call, *, with_landlock: bool, grouped: bool
    ) -> None:
        self._home = home
        self._install_filter = install_filter
        self._with_landlock = with_landlock
        self._memory = resource.RLIMIT_DATA if grouped else resource.RLIMIT_AS

    def become(self, order: dict[str, Any], streams: tuple[int, int, int], errors: int) -> NoReturn:
        """Turn this fork into the command. What fails before is written to `errors`. Never returns."""
        os.setsid()
        _be_killed_first()
        for to, source in enumerate(streams):
            os.dup2(source, to)
        os.dup2(errors, _ERRORS, inheritable=False)
        try:
            self._limit(order["limits"])
            self.restrict()
            os.closerange(_ERRORS + 1, 2**30)
            for name, content in order["files"].items():
                _write(name, base64.b64decode(content))
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
                signal.signal(number, signal.SIG_DFL)
            self._install_filter()
        except OSError as error:
            _give_up(f"{error.filename or 'start'}: {error.strerror or error}")
        _execute(order["command"], order["env"])

    def restrict(self) -> None:
        """Keep no more rights than a command has, in the workspace. Raises OSError."""
        if self._with_landlock:
            landlock.restrict(command_homes.workspace(self._home))
        os.chdir(self._home.scratch.path)
        self._home.drop()

    def _limit(self, limits: dict[str, Any]) -> None:
        cpu_s = -int(-limits["cpu_s"] // 1)
        # Below the hard limit the end is SIGXCPU, which nothing else sends: SIGKILL might be for want of memory.
        _set_limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)
        for kind, most in (
            (self._memory, limits["memory_mib"] * 2**20),
            (resource.RLIMIT_FSIZE, limits["file_mib"] * 2**20),
            (resource.RLIMIT_NPROC, self._home.most_tasks(limits["processes"])),
            (resource.RLIMIT_NOFILE, _MAX_FILES),
            (resource.RLIMIT_STACK, _STACK_BYTES),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_MEMLOCK, 0),
            (resource.RLIMIT_MSGQUEUE, 0),
        ):
            _set_limit(kind, most, most)


def _set_limit(kind: int, soft: int, hard: int) -> None:
    most = resource.getrlimit(kind)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def _be_killed_first() -> None:
    """When a control group runs out of memory, this is to die, and not the process that waits for it."""
    kernel.dumpable()  # or the file belongs to root
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _write(name: str, content: bytes) -> None:
    """With the command's own rights, so that nothing which an earlier one left can lead elsewhere. Raises OSError."""
    if folder := os.path.dirname(name):
        os.makedirs(folder, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name)
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(file, left) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None
    finally:
        os.close(file)


def _execute(command: list[str], env: dict[str, str]) -> NoReturn:
    try:
        os.execvpe(command[0], command, env)
    except OSError as error:
        os.write(2, f"{command[0]}: {os.strerror(error.errno or 0)}\n".encode("utf-8", "replace"))
        os._exit(_NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else _CANNOT_RUN)
    os._exit(_CANNOT_RUN)


def _give_up(detail: str) -> NoReturn:
    os.write(_ERRORS, detail.encode("utf-8", "replace"))
    os._exit(_CANNOT_RUN)
