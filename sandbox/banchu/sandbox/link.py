"""A line to a process of the judge's own: messages out, messages in, and a clear word when it fails."""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Sequence
from typing import Any

from banchu.sandbox.wire.frames import Broken, receive_with_fds, send_with_fds
from banchu.sandbox.wire.outputs import read_output

Message = dict[str, Any]
START_S = 30.0


class Failed(Exception):  # named for what happened
    """A process of the judge died, fell silent or said that it cannot go on: never the candidate's doing."""

    def __init__(self, what: str, message: Message | None = None) -> None:
        super().__init__(what)
        self.message = message or {}


class Link:
    """One socket to one process. Not thread-safe: one judgement at a time."""

    def __init__(self, name: str, connection: socket.socket) -> None:
        self._name = name
        self._socket = connection
        self.layers: Message = {}
        """What the process said it found when it was ready."""

    def fileno(self) -> int:
        return self._socket.fileno()

    def set_up(self, config: Message) -> None:
        """Send the first message and wait for the process to be ready. Raises Failed, its message says at what step."""
        self.send({"op": "setup", **config})
        message = self.receive(START_S)
        if message.get("op") != "ready":
            raise Failed(str(message.get("detail")), message)
        self.layers = message.get("layers", {})

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Raises Failed."""
        try:
            send_with_fds(self._socket, json.dumps(message).encode(), fds)
        except OSError as error:
            raise Failed(f"the {self._name} process is gone: {os.strerror(error.errno or 0)}") from None

    def receive(self, timeout_s: float) -> Message:
        """The next message; with a timeout of 0 it must have come. Raises Failed after the timeout too."""
        if timeout_s > 0 and self not in ready([self], timeout_s):
            raise Failed(f"the {self._name} process did not answer for {timeout_s:g} s")
        try:
            received = receive_with_fds(self._socket)
        except (OSError, Broken) as error:
            raise Failed(f"the {self._name} process broke off: {error}") from None
        if received is None:
            raise Failed(f"the {self._name} process ended")
        try:
            message: Message = json.loads(received[0])
            if received[1]:
                message |= read_output(received[1][0])
        except (ValueError, RecursionError):
            raise Failed(f"the {self._name} process sent what is no message") from None
        return message

    def close(self, hang_up_s: float = 1.0) -> None:
        """End the process and all below it; it has `hang_up_s` to do so by itself. Idempotent."""
        self._socket.close()


def ready(links: Sequence[Link], timeout_s: float) -> list[Link]:
    """Those that have something to say within the timeout."""
    poll = select.poll()
    for link in links:
        poll.register(link, select.POLLIN)
    found = {fd for fd, _ in poll.poll(max(0.0, timeout_s) * 1000)}
    return [link for link in links if link.fileno() in found]
