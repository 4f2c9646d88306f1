"""Length-prefixed frames over a stream socket, with a cap, and with open files where the peers trust each other."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence

MAX_FRAME = 16 * 2**20
"""Bytes of one frame that a candidate may send."""
MAX_TRUSTED_FRAME = 2**30
"""Bytes of one frame between the judge's own processes: a benchmark's tests may be long."""

_HEADER = 4
_FIRST_READ = 65536
_MAX_FDS, _FD = 4, 4
_RIGHTS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)


class Broken(Exception):
    """The peer sent a frame that is too long, or stopped in the middle of one."""


class Truncated(Broken):
    """The stream ended in the middle of a frame: the peer died while it wrote."""


def framed(payload: bytes) -> bytes:
    """A frame as it is sent."""
    return len(payload).to_bytes(_HEADER, "big") + payload


def write_frame(fd: int, payload: bytes, write: Callable[[int, bytes], int] = os.write) -> None:
    """Send one frame. Raises OSError when the peer is gone."""
    data = memoryview(framed(payload))
    while data:
        data = data[write(fd, data) :]  # type: ignore[arg-type]  # os.write takes any buffer


def read_frame(fd: int, cap: int = MAX_FRAME, read: Callable[[int, int], bytes] = os.read) -> bytes | None:
    """One frame, or None where the stream ends between two. Raises Broken, OSError."""
    # The peer sends no second frame before this one is answered: what one read brings is this frame's.
    data = read(fd, _FIRST_READ)
    if not data:
        return None
    if len(data) < _HEADER:
        data += _exactly(fd, _HEADER - len(data), read)
        if len(data) < _HEADER:
            raise Truncated("half a header")
    length = int.from_bytes(data[:_HEADER], "big")
    if length > cap:
        raise Broken(f"a frame of {length} bytes, {cap} allowed")
    payload = data[_HEADER:]
    if len(payload) < length:
        payload += _exactly(fd, length - len(payload), read)
    if len(payload) < length:
        raise Truncated(f"{len(payload)} of {length} bytes")
    if len(payload) > length:
        raise Broken(f"{len(payload) - length} bytes after the frame")
    return payload


def _exactly(fd: int, length: int, read: Callable[[int, int], bytes]) -> bytes:
    first = read(fd, min(length, 2**20)) if length else b""
    if len(first) == length or not first:
        return first
    parts = [first]
    missing = length - len(first)
    while missing and (part := read(fd, min(missing, 2**20))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def send_with_fds(sock: socket.socket, payload: bytes, fds: Sequence[int] = ()) -> None:
    """One frame with open files, to a process of the judge. Raises OSError when it is gone."""
    data = framed(payload)
    # Not socket.send_fds: its array costs a fork server a module.
    rights = b"".join(fd.to_bytes(_FD, sys.byteorder) for fd in fds)
    sent = sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if fds else [])
    if sent < len(data):
        sock.sendall(data[sent:])


def receive_with_fds(sock: socket.socket) -> tuple[bytes, list[int]] | None:
    """The next frame of a process of the judge with its open files, or None at the end. Raises Broken, OSError."""
    header, ancillary, _flags, _address = sock.recvmsg(_HEADER, socket.CMSG_SPACE(_MAX_FDS * _FD))
    if not header:
        return None
    rights = b"".join(data for level, kind, data in ancillary if (level, kind) == _RIGHTS)
    fds = [int.from_bytes(rights[at : at + _FD], sys.byteorder) for at in range(0, len(rights), _FD)]
    header += _exactly(sock.fileno(), _HEADER - len(header), os.read)
    payload = _exactly(sock.fileno(), length := int.from_bytes(header, "big"), os.read)
    if length > MAX_TRUSTED_FRAME or len(payload) < length:
        raise Broken(f"{len(payload)} of {length} bytes")
    return payload, fds
