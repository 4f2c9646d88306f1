"""What commands may call: they start programs and signal each other. The rest is as for candidates."""

from __future__ import annotations

from banchu.sandbox.cell.calls import Calls, numbers
from banchu.sandbox.cell.seccomp import (
    ALLOW,
    CLONE_NAMESPACES,
    KILL,
    METADATA,
    NAMESPACING,
    PRETEND,
    REFUSE,
    Instruction,
    assemble,
    no_bit_of,
    only,
)

_STARTING = """
    fork:57:- vfork:58:- execve:59:221 tgkill:234:131 tkill:200:130 setpgid:109:154 mknod:133:- mknodat:259:33
    signalfd:282:- signalfd4:289:74 capget:125:90 readahead:187:213 sync_file_range:277:84
"""
"""What shells, compilers and runtimes need beyond a candidate."""

_OLDER_WAY = "execveat:322:281 flock:73:32 fchmodat2:452:452 inotify_init:253:- inotify_init1:294:26"
"""Answered with ENOSYS: programs then take the older way, where EPERM would end them."""

_SHARED_WITH_SERVER = ("clone", "kill", "memfd_create", "prctl", "recvmsg", "sendmsg", "setsid")
_PRCTL = (1, 2, 3, 4, 15, 16, 23, 29, 30, 38, 39, 40, 41, 42, 0x53564D41)
"""Death signal, dumpable, name, bounding set (read), slack, no_new_privs, thread id, huge pages, names of maps."""
_FORMAT, _FIFO = 0xF000, 0x1000


class CommandCalls(Calls):
    """The groups, with what commands need in those of the server, so that `server_filter` lets it through."""

    def __init__(self, machine: str) -> None:
        super().__init__(machine)
        self.allowed |= numbers(_STARTING, machine)
        self.absent |= numbers(_OLDER_WAY, machine)


def command_filter(calls: CommandCalls, *, contained: bool, shared_files: bool) -> list[Instruction]:
    """Takes from a command what only the server may do.

    `shared_files`: its user has files elsewhere in the same file system, whose modes and times Landlock does not keep.
    A process is asked for by `clone`; `clone3`, whose flags a filter cannot read, is absent.
    """
    refused = [name for name in calls.server if name not in _SHARED_WITH_SERVER]
    actions = {calls.server[name]: REFUSE for name in refused}
    actions |= {calls.server[name]: KILL for name in NAMESPACING}
    if contained:
        actions[calls.number("fallocate")] = REFUSE  # nobody looks after the size of files without a name
    if shared_files:
        actions |= {calls.allowed[name]: PRETEND for name in METADATA if name in calls.allowed}
    fifo = {name: only(at, _FIFO, mask=_FORMAT) for name, at in (("mknod", 1), ("mknodat", 2)) if name in calls.allowed}
    checks = {"clone": no_bit_of(0, CLONE_NAMESPACES), "prctl": only(0, *_PRCTL), **fifo}
    return assemble(calls, checks, actions, ALLOW)
