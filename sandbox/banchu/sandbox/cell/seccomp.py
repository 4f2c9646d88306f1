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

ALLOW = 0x7FFF0000
KILL = 0x80000000
_ERRNO = 0x00050000
REFUSE = _ERRNO | errno.EPERM
_ABSENT = _ERRNO | errno.ENOSYS
_UNSUPPORTED = _ERRNO | errno.ENOTSUP
PRETEND = _ERRNO
"""Not done, and said to be done."""

_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets into struct seccomp_data, little endian
_CLONE_THREAD, CLONE_NAMESPACES = 0x00010000, 0x7E020000
_F_REACHING = (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY: signals to others, and a say in what others do with a file."""
_AF_UNIX, _SOCKET_TYPE, _SOCK_STREAM = 1, 0xF, 1
_SOL_SOCKET, _SOCKET_FACTS = 1, (3, 4, 7, 8, 38, 39)
"""SO_TYPE, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_PROTOCOL, SO_DOMAIN. Not SO_PEERPIDFD, which hands out a process."""
_MSG_OOB = 1
_TERMINAL_AND_FILE = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: what the standard library asks of files."""

NAMESPACING = ("unshare", "setns", "mount", "umount2")
METADATA = ("chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat")

Instruction = tuple[int, int, int, int]
_REFUSE_OR_ALLOW = [(_RETURN, 0, 0, REFUSE), (_RETURN, 0, 0, ALLOW)]


def server_filter(calls: Calls, *, contained: bool = False) -> list[Instruction]:
    """Allow-list for the fork server and all that descends from it; the arguments that reach beyond it are refused."""
    actions = dict.fromkeys([*calls.allowed.values(), *calls.server.values()], ALLOW)
    actions |= dict.fromkeys(calls.fatal.values(), KILL)
    actions |= dict.fromkeys(calls.absent.values(), _ABSENT)
    actions |= dict.fromkeys(calls.unsupported.values(), _UNSUPPORTED)
    if contained:  # it makes no namespaces
        actions |= {calls.server[name]: KILL for name in NAMESPACING}
    return assemble(calls, _checks(), actions, REFUSE)


def candidate_filter(calls: Calls, *, contained: bool = False) -> list[Instruction]:
    """Takes from a candidate what only the fork server may do: a new thread it may have, a new process not.

    `contained`: it may share a file system or a user with others, so changes of mode and times are not made, though
    the call says they were: programs that tidy up after themselves expect no refusal, and Landlock knows no such right.
    """
    actions = dict.fromkeys(calls.server.values(), REFUSE)
    actions |= {calls.server[name]: KILL for name in (*NAMESPACING, "seccomp")}
    if contained:
        actions[calls.number("fallocate")] = REFUSE  # nobody looks after the size of files without a name
        actions |= {calls.allowed[name]: PRETEND for name in METADATA if name in calls.allowed}
    threads_only = [
        (_LOAD, 0, 0, _argument(0)),
        (_IF_ANY_BIT, 1, 0, CLONE_NAMESPACES),
        (_IF_ANY_BIT, 1, 0, _CLONE_THREAD),
        *_REFUSE_OR_ALLOW,
    ]
    return assemble(calls, {"clone": threads_only}, actions, ALLOW)


def assemble(
    calls: Calls, checks: Mapping[str, list[Instruction]], actions: Mapping[int, int], default: int
) -> list[Instruction]:
    """A filter: first the calls whose arguments count, then one action for each of the others."""
    return [*_prologue(calls), *_checked(calls, checks), *_tree(_intervals(actions, default))]


def _checks() -> dict[str, list[Instruction]]:
    """System call to a program that ends in a decision on its arguments (their low halves, as the kernel reads ints).

    Signals and limits for nobody else; messages along its own socket pairs only: a datagram may carry an address, and
    so leave a pair that was never connected to anything.
    """
    return {
        "fcntl": [(_LOAD, 0, 0, _argument(1)), *_none_of(*_F_REACHING)],
        "getsockopt": [
            (_LOAD, 0, 0, _argument(1)),
            (_IF_EQUAL, 1, 0, _SOL_SOCKET),
            (_RETURN, 0, 0, REFUSE),
            (_LOAD, 0, 0, _argument(2)),
            *_one_of(*_SOCKET_FACTS),
        ],
        "ioctl": [(_LOAD, 0, 0, _argument(1)), *_one_of(*_TERMINAL_AND_FILE)],
        "prlimit64": [(_LOAD, 0, 0, _argument(0)), *_one_of(0)],
        "recvfrom": [(_LOAD, 0, 0, _argument(3)), *_without(_MSG_OOB)],
        "sendto": [
            (_LOAD, 0, 0, _argument(4)),
            (_IF_EQUAL, 1, 0, 0),
            (_RETURN, 0, 0, REFUSE),
            (_LOAD, 0, 0, _argument(4) + 4),
            (_IF_EQUAL, 1, 0, 0),
            (_RETURN, 0, 0, REFUSE),
            (_LOAD, 0, 0, _argument(3)),
            *_without(_MSG_OOB),
        ],
        "socketpair": [
            (_LOAD, 0, 0, _argument(0)),
            (_IF_EQUAL, 1, 0, _AF_UNIX),
            (_RETURN, 0, 0, REFUSE),
            (_LOAD, 0, 0, _argument(1)),
            (_AND, 0, 0, _SOCKET_TYPE),
            *_one_of(_SOCK_STREAM),
        ],
    }


def _checked(calls: Calls, checks: Mapping[str, list[Instruction]]) -> list[Instruction]:
    """Each call to its own check, and past it for any other."""
    numbered = ((calls.number(name), check) for name, check in checks.items())
    return [line for number, check in numbered for line in ((_IF_EQUAL, 0, len(check), number), *check)]


def only(index: int, *values: int, mask: int = 0xFFFFFFFF) -> list[Instruction]:
    """A check: one argument, or the masked bits of it, is one of these."""
    return [(_LOAD, 0, 0, _argument(index)), (_AND, 0, 0, mask), *_one_of(*values)]


def no_bit_of(index: int, bits: int) -> list[Instruction]:
    """A check: one argument has none of these bits."""
    return [(_LOAD, 0, 0, _argument(index)), *_without(bits)]


def _one_of(*values: int) -> list[Instruction]:
    tests = [(_IF_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [*tests, *_REFUSE_OR_ALLOW]


def _without(bit: int) -> list[Instruction]:
    return [(_IF_ANY_BIT, 1, 0, bit), *reversed(_REFUSE_OR_ALLOW)]


def _none_of(*values: int) -> list[Instruction]:
    tests = [(_IF_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [*tests, *reversed(_REFUSE_OR_ALLOW)]


def _argument(index: int) -> int:
    return _FIRST_ARGUMENT + 8 * index


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
        (_RETURN, 0, 0, KILL),
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
