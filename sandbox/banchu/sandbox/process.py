"""A process of the judge's own: started clean, spoken to over one socket, killed when it does not answer."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from banchu.sandbox.wire.frames import Broken, receive_with_fds, send_with_fds

_BOOT = Path(__file__).with_name("boot.py")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "HOME": "/tmp", "TMPDIR": "/tmp", "PATH": "/usr/bin:/bin"}
_START_S = 30.0
_HANG_UP_S = 1.0

Message = dict[str, Any]


class Failed(Exception):  # named for what happened
    """A process of the judge died, fell silent or said that it cannot go on: never the candidate's doing."""

    def __init__(self, what: str, message: Message | None = None) -> None:
        super().__init__(what)
        self.message = message or {}


class Process:
    """`cell` or `tester`. Not thread-safe: one judgement at a time."""

    def __init__(self, role: Literal["cell", "tester"]) -> None:
        """Raises Failed when it does not come up; its message then holds stage, errno and detail."""
        if sys.platform != "linux":
            raise Failed(f"the platform is {sys.platform}", {"stage": "platform"})
        self._role = role
        self._socket, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as errors:
            # -S: site-packages run code at every start. Not -I: it would ignore PYTHONHASHSEED.
            python = getattr(sys, "_base_executable", None) or sys.executable
            self._process = subprocess.Popen(
                [python, "-s", "-S", "-B", "-X", "utf8", str(_BOOT), role, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=_ENVIRONMENT,
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is the app's to handle
            )
            try:
                message = self.receive(_START_S)
            except Failed as failed:
                self.close()
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise Failed(f"{failed}: {said}" if said else str(failed)) from None
        if message["op"] != "ready":
            self.close()
            raise Failed(message["detail"], message)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Raises Failed."""
        try:
            send_with_fds(self._socket, json.dumps(message).encode(), fds)
        except OSError as error:
            raise Failed(f"the {self._role} process is gone: {os.strerror(error.errno or 0)}") from None

    def receive(self, timeout_s: float) -> Message:
        """The next message. Raises Failed after the timeout too."""
        if self not in ready([self], timeout_s):
            raise Failed(f"the {self._role} process did not answer for {timeout_s:g} s")
        try:
            received = receive_with_fds(self._socket)
        except (OSError, Broken) as error:
            raise Failed(f"the {self._role} process broke off: {error}") from None
        if received is None:
            raise Failed(f"the {self._role} process ended")
        message: Message = json.loads(received[0])
        return message

    def close(self, hang_up_s: float = _HANG_UP_S) -> None:
        """End it and all below it. Idempotent."""
        # Hanging up lets a cell's waiting process collect its own; a kill would leave them to whoever is init here.
        self._socket.close()
        try:
            self._process.wait(hang_up_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def ready(processes: Sequence[Process], timeout_s: float) -> list[Process]:
    """Those that have something to say within the timeout."""
    poll = select.poll()
    for process in processes:
        poll.register(process, select.POLLIN)
    found = {fd for fd, _ in poll.poll(max(0.0, timeout_s) * 1000)}
    return [process for process in processes if process.fileno() in found]
