"""The filters of commands, on both machines: what they add to a candidate's, and that it is no more than that."""

from __future__ import annotations

import pytest
from tests.sandbox.filters import ALLOW, ENOSYS, EPERM, KILL, MACHINES, PRETEND, answer, kernels_numbers

from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.command_calls import CommandCalls, command_filter
from banchu.sandbox.cell.seccomp import server_filter

ADDED = {
    *("fork", "vfork", "execve", "tgkill", "tkill", "setpgid", "mknod", "mknodat", "signalfd", "signalfd4", "capget"),
    *("readahead", "sync_file_range"),
}
ARGUMENTS: dict[str, tuple[list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "clone": ([(0x01200011,), (0x003D0F00,), (0x4111,)], [(0x10000011,), (0x00020011,), (0x40000011,), (0x02000011,)]),
    "prctl": ([(1, 9), (4, 0), (15, 1), (38, 1)], [(22, 2), (8, 1), (36, 1), (24, 1), (35, 1), (0x59616D61, 1)]),
    "mknodat": ([(3, 1, 0o010644)], [(3, 1, 0o020666), (3, 1, 0o060666), (3, 1, 0o140666), (3, 1, 0o100644)]),
}
"""Call to arguments that pass and arguments that do not."""


@pytest.mark.parametrize("machine", MACHINES)
def test_both_filters_together_add_these_calls_and_no_others(machine: str) -> None:
    calls, plain = CommandCalls(machine), Calls(machine)
    assert {*calls.allowed} - {*plain.allowed} == ADDED & {*calls.allowed}
    both = server_filter(calls), command_filter(calls, contained=False, shared_files=False)
    shared = {"clone", "kill", "memfd_create", "prctl", "recvmsg", "sendmsg", "setsid"}
    for name, number in plain.server.items():
        harmless = ARGUMENTS.get(name, ([()], []))[0][0]
        answers = [answer(program, calls.audit_arch, number, *harmless) for program in both]
        assert (answers == [ALLOW, ALLOW]) == (name in shared), name
    for number in plain.fatal.values():
        assert answer(both[0], calls.audit_arch, number) == KILL
    for name in ("clone3", "execveat", "inotify_init1", "fchmodat2", "flock"):
        assert answer(both[0], calls.audit_arch, calls.absent[name]) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_that_reach_further_are_refused(machine: str, name: str) -> None:
    calls = CommandCalls(machine)
    program = command_filter(calls, contained=True, shared_files=True)
    harmless, reaching = ARGUMENTS[name]
    for arguments in harmless:
        assert answer(program, calls.audit_arch, calls.number(name), *arguments) == ALLOW, arguments
    for arguments in reaching:
        assert answer(program, calls.audit_arch, calls.number(name), *arguments) == EPERM, arguments


def test_modes_are_changed_only_where_no_files_are_shared() -> None:
    calls = CommandCalls("x86_64")
    for shared, wanted in ((True, PRETEND), (False, ALLOW)):
        program = command_filter(calls, contained=True, shared_files=shared)
        assert answer(program, calls.audit_arch, calls.number("fchmodat")) == wanted


@pytest.mark.parametrize("machine", MACHINES)
def test_the_tables_are_the_kernels(machine: str) -> None:
    numbers = kernels_numbers(machine)
    calls = CommandCalls(machine)
    for name in ADDED | {*calls.absent}:
        number = calls.allowed.get(name, calls.absent.get(name))
        if name in numbers:  # older headers lack the newest calls
            assert numbers[name] == number, name
