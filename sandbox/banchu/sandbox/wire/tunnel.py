"""The app's two sockets carried over one stream, for cells that no socket of the app can reach.

One relay stands at each end and both run this: they carry messages of the control socket, and the bytes of the one
channel that the last message opened. A candidate holds only its end of a socketpair: whatever it writes becomes `data`
of its own channel and nothing else. It may run `WINDOW` bytes ahead of its reader, so it can delay no message.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from typing import Protocol

from banchu.sandbox.wire.frames import Broken, receive_with_fds, send_with_fds
from banchu.sandbox.wire.outputs import is_output, with_output

WINDOW = 2**18
"""Bytes of one channel that may be on their way."""
_PIECE = 2**16
_MAX_BODY = 2**20
_HEAD = struct.Struct(">BII")  # kind, number of the channel, length of the body
_CONTROL, _OPEN, _DATA, _END, _CREDIT = range(5)
_READ_ERRORS = select.POLLIN | select.POLLHUP | select.POLLERR


class Stream(Protocol):
    """Bytes both ways, without waiting. Methods raise OSError."""

    reading: int
    writing: int
    """File descriptors for poll."""

    def receive(self) -> bytes | None:
        """What has come; None: nothing yet; empty: nothing will come any more."""

    def send(self, data: memoryview) -> int:
        """How many bytes were taken, which may be none."""

    def close(self) -> None:
        """Idempotent."""


class Pipes:
    """A stream of two file descriptors."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing
        for fd in (reading, writing):
            os.set_blocking(fd, False)

    def receive(self) -> bytes | None:
        try:
            return os.read(self.reading, _PIECE)
        except BlockingIOError:
            return None

    def send(self, data: memoryview) -> int:
        try:
            return os.write(self.writing, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        for fd in {self.reading, self.writing} - {-1}:
            os.close(fd)
        self.reading = self.writing = -1


class _Channel:
    """One end of a candidate's channel, while its bytes travel."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self.window = WINDOW
        self.open = True
        """Whether this end may still send."""
        self.coming = bytearray()
        self.ended = False
        """Whether the far end has said its last."""
        self._unreported = 0

    def interest(self, room: bool) -> int:
        reading = select.POLLIN if self.open and self.window and room else 0
        return reading | (select.POLLOUT if self.coming else 0)

    def read(self) -> bytes | None:
        try:
            data = self.socket.recv(min(self.window, _PIECE))
        except BlockingIOError:
            return None
        except OSError:  # reset: the reader died with bytes unread
            data = b""
        self.window -= len(data)
        self.open = bool(data)
        return data

    def write(self) -> int:
        """Pass on what has come; how many bytes the far end may send in their place."""
        while self.coming:
            try:
                done = self.socket.send(self.coming)
            except BlockingIOError:
                break
            except OSError:  # nobody reads any more, and the writer must not wait for it
                done = len(self.coming)
            del self.coming[:done]
            self._unreported += done
        if self.ended and not self.coming:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
        if self._unreported < WINDOW // 2:
            return 0
        credit, self._unreported = self._unreported, 0
        return credit

    @property
    def done(self) -> bool:
        return not self.open and self.ended and not self.coming


class Tunnel:
    """One relay. Owns the stream and the control socket: both are closed when either has ended."""

    def __init__(self, stream: Stream, control: socket.socket) -> None:
        self._stream, self._control = stream, control
        self._channel: _Channel | None = None
        self._number = 0
        self._arrived = bytearray()
        self._leaving = bytearray()
        self._ending = False

    def run(self) -> None:
        """Until one side hangs up or breaks off; either is the end for both."""
        try:
            while self._turn():
                pass
        except (OSError, Broken):
            pass
        finally:
            self._drop_channel()
            self._control.close()
            self._stream.close()

    def _turn(self) -> bool:
        ready = self._wait()
        # The channel first: what follows may replace it, and its number with it.
        channel = self._channel
        if channel is not None and (events := ready.get(channel.socket.fileno(), 0)):
            self._serve_channel(channel, events)
        if ready.get(self._control.fileno(), 0):
            self._take_message()
        if ready.get(self._stream.reading, 0) & _READ_ERRORS:
            data = self._stream.receive()
            if data == b"":
                return False
            self._arrived += data or b""
            self._deliver()
        self._flush()
        return bool(self._leaving) or not self._ending

    def _wait(self) -> dict[int, int]:
        room = len(self._leaving) < WINDOW and not self._ending
        wanted = {self._stream.reading: select.POLLIN}
        if self._leaving:
            wanted[self._stream.writing] = wanted.get(self._stream.writing, 0) | select.POLLOUT
        if room:
            wanted[self._control.fileno()] = select.POLLIN
        if self._channel is not None and (interest := self._channel.interest(room)):
            wanted[self._channel.socket.fileno()] = interest
        poll = select.poll()
        for fd, events in wanted.items():
            poll.register(fd, events)
        return dict(poll.poll())

    def _serve_channel(self, channel: _Channel, events: int) -> None:
        if channel.coming and events & ~select.POLLIN:
            self._credit(channel)
        if channel.open and channel.window and events & _READ_ERRORS:
            data = channel.read()
            if data is not None:
                self._put(_DATA if data else _END, data)
        if channel.done:
            self._drop_channel()

    def _take_message(self) -> None:
        received = receive_with_fds(self._control)
        if received is None:
            self._ending = True
            return
        payload, fds = received
        if fds and is_output(fds[0]):
            payload, fds = with_output(payload, fds[0]), []
        if fds:
            self._open(socket.socket(fileno=fds[0]))
        self._put(_OPEN if fds else _CONTROL, payload)

    def _deliver(self) -> None:
        """Act on all whole frames that have arrived."""
        at = 0
        while len(self._arrived) - at >= _HEAD.size:
            kind, number, length = _HEAD.unpack_from(self._arrived, at)
            if length > _MAX_BODY:
                raise Broken(f"a frame of {length} bytes, {_MAX_BODY} allowed")
            if len(self._arrived) - at - _HEAD.size < length:
                break
            body = bytes(self._arrived[at + _HEAD.size : at + _HEAD.size + length])
            at += _HEAD.size + length
            self._act(kind, number, body)
        del self._arrived[:at]

    def _act(self, kind: int, number: int, body: bytes) -> None:
        if kind == _CONTROL:
            send_with_fds(self._control, body)
        elif kind == _OPEN:
            ours, theirs = socket.socketpair()
            with theirs:
                self._open(ours)
                send_with_fds(self._control, body, [theirs.fileno()])
        elif self._channel is not None and number == self._number:  # or it is about one that is no more
            self._act_on(self._channel, kind, body)

    def _act_on(self, channel: _Channel, kind: int, body: bytes) -> None:
        if kind == _DATA:
            channel.coming += body
            if len(channel.coming) > WINDOW:
                raise Broken("more data than there is credit for")
            self._credit(channel)
        elif kind == _END:
            channel.ended = True
            self._credit(channel)
        elif kind == _CREDIT:
            channel.window = min(WINDOW, channel.window + int.from_bytes(body, "big"))
        if channel.done:
            self._drop_channel()

    def _credit(self, channel: _Channel) -> None:
        if credit := channel.write():
            self._put(_CREDIT, credit.to_bytes(4, "big"))

    def _open(self, end: socket.socket) -> None:
        self._drop_channel()
        self._channel = _Channel(end)
        self._number += 1

    def _drop_channel(self) -> None:
        if self._channel is not None:
            self._channel.socket.close()
            self._channel = None

    def _put(self, kind: int, body: bytes) -> None:
        self._leaving += _HEAD.pack(kind, self._number, len(body))
        self._leaving += body

    def _flush(self) -> None:
        while self._leaving:
            with memoryview(self._leaving) as view:
                done = self._stream.send(view)
            if not done:
                break
            del self._leaving[:done]
