"""The process that waits for a program which is told one thing after another, and lives in between.

The program reads from its stdin, which is a socket: a mark of 16 bytes, a length of 4, and what it is told. It sends
the mark back when it has done that. Code that runs in it may do so too, for itself alone: a mark is good once. In
between all of its processes stand still, so nothing is worked, written or spent while nobody waits for it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import socket
import time
from typing import Any

from banchu.sandbox.cell import command_homes
from banchu.sandbox.cell.command_child import Start
from banchu.sandbox.cell.command_wait import Waiting
from banchu.sandbox.wire.frames import Broken, receive_with_fds, send_with_fds

_MARK = 16
_PIECE = 2**16


class Told(Waiting):
    """One program.

    Args:
        home: where it lives.
        order: what to run, and the limits of its whole life.
        control: the line to the app, which is read here until the program ends.
    """

    def __init__(self, home: command_homes.CommandHome, order: dict[str, Any], control: socket.socket) -> None:
        super().__init__(home, order, control.fileno())
        self._control = control
        self._line, self._end = socket.socketpair()
        self._line.setblocking(False)
        self._mark = self._said = b""
        self._left = memoryview(b"")

    def run(self, start: Start) -> dict[str, Any]:
        """What became of it in the end, which the app has been told. Raises OSError."""
        command = self._started(start, self._end.detach())
        stopped: str | None = None
        while stopped is None:
            told = self._next()
            stopped = "asked" if told is None else self._tell(command, told)
        ended = self._ended(start, command, stopped)
        self._answer({"op": "ended", **ended})
        return ended

    def _next(self) -> dict[str, Any] | None:
        """What the app has it told; None: it is to end."""
        try:
            message = receive_with_fds(self._control)
        except (OSError, Broken):
            return None
        told: dict[str, Any] = json.loads(message[0]) if message else {}
        return told if told.get("op") == "tell" else None

    def _tell(self, command: int, told: dict[str, Any]) -> str | None:
        """Until it has done that; then None, else why it has to end, or "": it has."""
        text = base64.b64decode(told["text"])
        self._mark, self._said = os.urandom(_MARK), b""
        self._left = memoryview(self._mark + len(text).to_bytes(4, "big") + text)
        for stream in (self._out, self._err):
            stream.content.clear()
            stream.length = 0
        began, worked = time.monotonic(), self._has_worked()
        self._began, self._most_cpu_s = began, worked + told["cpu_s"]
        self._home.go_on()
        stopped = self._wait(command, began + told["wall_s"])
        if stopped != "done":
            return stopped
        try:
            self._home.hold()
        except OSError:  # it starts processes faster than they can be stopped
            return "cpu"
        self._drain()
        if stopped := self._exceeded():
            return stopped
        self._answer(
            {
                "op": "told",
                "stdout": base64.b64encode(self._out.content).decode(),
                "stderr": base64.b64encode(self._err.content).decode(),
                "wall_s": time.monotonic() - began,
                "cpu_s": self._has_worked() - worked,
            }
        )
        return None

    def _watch(self, poll: select.poll) -> None:
        poll.register(self._line, select.POLLIN | select.POLLOUT)

    def _heard(self, poll: select.poll, ready: set[int], ended: int) -> str | None:
        if ended in ready or self._line.fileno() not in ready:
            return super()._heard(poll, ready, ended)
        try:
            with contextlib.suppress(BlockingIOError):
                while self._left:
                    self._left = self._left[self._line.send(self._left) :]
                poll.modify(self._line, select.POLLIN)
            with contextlib.suppress(BlockingIOError):
                said = self._line.recv(_PIECE)
                if not said:
                    poll.unregister(self._line)
                self._said += said
        except OSError:  # as with an end: it has closed the line, so it ends by itself or with its time
            poll.unregister(self._line)
        done = self._mark in self._said
        self._said = self._said[-_MARK:]
        return "done" if done else None

    def _drain(self) -> None:
        """What stands in its pipes; it writes nothing more."""
        poll = select.poll()
        for stream in (self._out, self._err):
            if stream.open:
                poll.register(stream.fd, select.POLLIN)
        while ready := poll.poll(0):
            for fd, _ in ready:
                self._read(self._streams[fd])
                if not self._streams[fd].open:
                    poll.unregister(fd)
            if self._exceeded():
                return

    def _answer(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the app is gone, which the next look at the line tells
            send_with_fds(self._control, json.dumps(message).encode())
