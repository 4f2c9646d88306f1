"""The process that waits for one command: gathers its output, holds the clock, and leaves nothing of it behind."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import select
import signal
import stat
import time
from typing import Any

from banchu.sandbox.cell import command_homes, command_tree
from banchu.sandbox.cell.command_child import Start

_LOOK_S = 0.1
"""How often CPU time and the size of a folder on a shared disk are looked at."""
_PIECE = 2**16
_CPU_SHARE = 0.75
"""What the kernel killed after this share of its CPU limit met that limit: its ticks may run ahead of its accounts."""


class Stream:
    """What has come out of a pipe so far."""

    def __init__(self) -> None:
        self.fd, self.to = os.pipe()
        self.content = bytearray()
        self.length = 0
        self.open = True

    def read(self, room: int) -> None:
        """What is there now; more than `room` bytes are counted and not kept."""
        piece = os.read(self.fd, _PIECE)
        self.open = bool(piece)
        self.length += len(piece)
        self.content += piece[: max(0, room)]


class Waiting:
    """One command.

    Args:
        home: where it lives.
        order: what to run, and its limits.
        word: becomes readable when the command is to be ended.
    """

    def __init__(self, home: command_homes.CommandHome, order: dict[str, Any], word: int) -> None:
        self._home = home
        self._order = order
        self._limits = order["limits"]
        self._word = word
        self._out, self._err, self._refusal = Stream(), Stream(), Stream()
        self._streams = {stream.fd: stream for stream in (self._out, self._err, self._refusal)}
        self._began = self._most_cpu_s = 0.0

    def run(self, start: Start) -> dict[str, Any]:
        """What became of it. Raises OSError when something of it may be left."""
        stdin = os.memfd_create("stdin")
        os.write(stdin, base64.b64decode(self._order["stdin"]))
        os.lseek(stdin, 0, os.SEEK_SET)
        command = self._started(start, stdin)
        self._most_cpu_s = self._limits["cpu_s"]
        stopped = self._wait(command, self._began + self._limits["wall_s"])
        return self._ended(start, command, stopped)

    def _started(self, start: Start, stdin: int) -> int:
        """Its process id. Closes `stdin`."""
        self._home.look_inside()
        self._began = time.monotonic()
        command = os.fork()
        if command == 0:
            start.become(self._order, (stdin, self._out.to, self._err.to), self._refusal.to)
        os.close(stdin)
        for stream in self._streams.values():
            os.close(stream.to)
        return command

    def _ended(self, start: Start, command: int, stopped: str) -> dict[str, Any]:
        """What became of it, when nothing of it is left. `stopped`: why it has to end; "": it has."""
        wall_s = time.monotonic() - self._began
        if stopped:
            os.kill(command, signal.SIGKILL)
        _, status = os.waitpid(command, 0)
        self._home.kill_all()
        for stream in self._streams.values():
            while stream.open:  # nobody is left who could write more
                self._read(stream)
        cpu_s = self._has_worked()
        return {
            "stopped": stopped or self._exceeded(),
            "status": os.waitstatus_to_exitcode(status),
            "refusal": self._refusal.content.decode("utf-8", "replace"),
            "stdout": base64.b64encode(self._out.content).decode(),
            "stderr": base64.b64encode(self._err.content).decode(),
            "stdout_bytes": self._out.length,
            "stderr_bytes": self._err.length,
            "cpu_s": cpu_s,
            "cpu_spent": cpu_s >= self._limits["cpu_s"] * _CPU_SHARE,
            "wall_s": wall_s,
            "files": _gathered(start, self._order["read"], self._limits["file_mib"] << 20),
        }

    def _wait(self, command: int, deadline: float) -> str:
        """Until it has ended by itself, or why it has to."""
        ended = os.pidfd_open(command)
        poll = select.poll()
        for fd in (ended, self._word, *(stream.fd for stream in self._streams.values() if stream.open)):
            poll.register(fd, select.POLLIN)
        self._watch(poll)
        look = time.monotonic() + _LOOK_S
        try:
            while True:
                now = time.monotonic()
                if now >= deadline:
                    return "wall"
                if now >= look:
                    look = now + _LOOK_S
                    command_tree.collect(but=command)
                    if self._has_worked() > self._most_cpu_s:
                        return "cpu"
                    if stopped := self._exceeded():
                        return stopped
                ready = {fd for fd, _ in poll.poll((min(look, deadline) - now) * 1000 + 1)}
                if self._word in ready:
                    return "asked"
                for fd in ready & self._streams.keys():
                    self._read(self._streams[fd])
                    if not self._streams[fd].open:
                        poll.unregister(fd)
                if self._out.length + self._err.length > self._room:
                    return "output"
                if (word := self._heard(poll, ready, ended)) is not None:
                    return word
        finally:
            os.close(ended)

    def _watch(self, poll: select.poll) -> None:
        """Registers what else is to be heard."""

    def _heard(self, poll: select.poll, ready: set[int], ended: int) -> str | None:
        """Why not to wait any longer; None: there is no reason."""
        return "" if ended in ready else None

    @property
    def _room(self) -> int:
        return int(self._limits["output_kib"]) * 1024

    def _read(self, stream: Stream) -> None:
        room = self._room - len(self._out.content) - len(self._err.content)
        stream.read(_PIECE if stream is self._refusal else room)

    def _has_worked(self) -> float:
        """CPU seconds of all that it started, whether collected or still there."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        there = command_tree.below(os.getpid()) if self._home.has_processes else []
        return usage.ru_utime + usage.ru_stime + sum(task.cpu_s for task in there)

    def _exceeded(self) -> str:
        if self._out.length + self._err.length > self._room:
            return "output"
        return "files" if self._home.scratch.watched and self._home.scratch.overfull() else ""


def _gathered(start: Start, names: list[str], most: int) -> dict[str, str]:
    """Contents of files in the workspace, read with no more rights than the command had."""
    if not names:
        return {}
    kept = os.memfd_create("files")
    reader = os.fork()
    if reader == 0:
        try:
            start.restrict()
            with open(kept, "w", encoding="ascii", closefd=False) as file:
                json.dump(_contents(names, most), file)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(reader, 0)
    with open(kept, "rb") as file:
        file.seek(0)
        found: dict[str, str] = json.load(file) if status == 0 else {}
    return found


def _contents(names: list[str], most: int) -> dict[str, str]:
    """Of regular files; those that are none, or no longer fit, are left out."""
    found = {}
    for name in names:
        with contextlib.suppress(OSError):
            file = _opened(name)
            try:
                state = os.fstat(file)
                if stat.S_ISREG(state.st_mode) and state.st_size <= most:
                    content = os.pread(file, most, 0)
                    most -= len(content)
                    found[name] = base64.b64encode(content).decode()
            finally:
                os.close(file)
    return found


def _opened(name: str) -> int:
    """A file below the working folder, through no link; a pipe does not block. Raises OSError."""
    *folders, last = name.split("/")
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
