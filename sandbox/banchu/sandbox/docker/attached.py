"""What a container says and is told, as the daemon passes it on."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import Any

_HEAD = struct.Struct(">BxxxI")  # which stream, length
_ERRORS = 2
_PIECE = 2**16
_KEPT = 4096


class Attached:
    """The standard streams of a container: a `tunnel.Stream` of stdin and stdout; stderr is kept for complaints.

    Attach before the container starts, or its first words are lost. Raises docker's errors.
    """

    def __init__(self, client: Any, container: str, *, stdin: bool) -> None:
        wanted = {"stdin": int(stdin), "stdout": int(stdin), "stderr": 1, "stream": 1}
        found = client.api.attach_socket(container, params=wanted)
        self._response = found._response  # owns the connection
        self._socket: socket.socket = getattr(found, "_sock", found)
        self._socket.setblocking(False)
        self.reading = self.writing = self._socket.fileno()
        self._buffer = bytearray()
        self._errors = bytearray()

    @property
    def complaint(self) -> str:
        """The last line on stderr."""
        return self._errors.decode("utf-8", "replace").strip().rpartition("\n")[2]

    def receive(self) -> bytes | None:
        """As `tunnel.Stream`."""
        said = bytearray()
        while True:
            try:
                piece = self._socket.recv(_PIECE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return bytes(said) or None
            if not piece:
                return bytes(said)
            self._buffer += piece
            said += self._sorted_out()
            # poll sees the socket, not what the TLS layer has already taken out of it.
            if not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
                return bytes(said) or None

    def _sorted_out(self) -> bytes:
        """What came on stdout; a frame need not be whole."""
        at, said = 0, bytearray()
        while len(self._buffer) - at >= _HEAD.size:
            kind, length = _HEAD.unpack_from(self._buffer, at)
            if len(self._buffer) - at - _HEAD.size < length:
                break
            body = self._buffer[at + _HEAD.size : at + _HEAD.size + length]
            if kind == _ERRORS:
                self._errors = (self._errors + body)[-_KEPT:]
            else:
                said += body
            at += _HEAD.size + length
        del self._buffer[:at]
        return bytes(said)

    def send(self, data: memoryview) -> int:
        """As `tunnel.Stream`."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def close(self) -> None:
        """Hang up. Idempotent."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._response.close()
        self.reading = self.writing = -1
