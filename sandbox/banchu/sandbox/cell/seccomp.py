"""Two seccomp filters, assembled by hand: one for the fork server, a smaller one on top for each candidate.

The kernel asks a new filter about every system call there is to build its cache, so a filter costs time each time it
is installed: the long allow-list is installed once and inherited, and both are search trees, not lists.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Mapping

from banchu.sandbox.cell.calls import Calls

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_REFUSE = _ERRNO | errno.EPERM
_ABSENT = _ERRNO | errno.ENOSYS

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets into struct seccomp_data, little endian
_CLONE_THREAD = 0x00010000

Instruction = tuple[int, int, int, int]


def server_filter(calls: Calls) -> list[Instruction]:
    """Allow-list for the fork server and all that descends from it."""
    actions = dict.fromkeys([*calls.allowed.values(), *calls.server.values()], _ALLOW)
    actions |= dict.fromkeys(calls.fatal.values(), _KILL)
    actions |= dict.fromkeys(calls.absent.values(), _ABSENT)
    return [*_prologue(calls), *_tree(_intervals(actions, _REFUSE))]


def candidate_filter(calls: Calls) -> list[Instruction]:
    """Takes from a candidate what only the fork server may do; a new thread stays allowed, a new process is not."""
    actions = dict.fromkeys(calls.server.values(), _REFUSE)
    deadly = ("unshare", "setns", "mount", "umount2", "seccomp")
    actions |= {calls.server[name]: _KILL for name in deadly}
    clone = calls.server["clone"]
    threads_only = [
        (_IF_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [*_prologue(calls), *threads_only, *_tree(_intervals(actions, _ALLOW))]


class Program:
    """A filter as the kernel reads it. Built once in the fork server; a candidate only installs it."""

    def __init__(self, instructions: list[Instruction]) -> None:
        code = b"".join(struct.pack("<HBBI", *instruction) for instruction in instructions)
        self._code = ctypes.create_string_buffer(code, len(code))
        # struct sock_fprog: a 16-bit length, padding to the pointer's alignment, the pointer.
        self._header = struct.pack("@HP", len(instructions), ctypes.addressof(self._code))
        self._buffer = ctypes.create_string_buffer(self._header, len(self._header))

    @property
    def address(self) -> int:
        return ctypes.addressof(self._buffer)


def _prologue(calls: Calls) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _ARCH),
        (_IF_EQUAL, 1, 0, calls.audit_arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]


def _intervals(actions: Mapping[int, int], default: int) -> list[tuple[int, int]]:
    """(first number, action) of each stretch of equal actions, over all numbers from 0."""
    edges = sorted({0, *actions, *(number + 1 for number in actions)})
    found: list[tuple[int, int]] = []
    for edge in edges:
        action = actions.get(edge, default)
        if not found or found[-1][1] != action:
            found.append((edge, action))
    return found


def _tree(intervals: list[tuple[int, int]]) -> list[Instruction]:
    if len(intervals) == 1:
        return [(_RETURN, 0, 0, intervals[0][1])]
    middle = len(intervals) // 2
    below, above = _tree(intervals[:middle]), _tree(intervals[middle:])
    assert len(below) < 256, "a jump over more than 255 instructions"
    return [(_IF_AT_LEAST, len(below), 0, intervals[middle][0]), *below, *above]
