"""The filters, run by an interpreter of their few instructions, for both machines; the tables against the kernel's."""

from __future__ import annotations

import pytest
from tests.sandbox.filters import ALLOW, ENOSYS, ENOTSUP, EPERM, KILL, MACHINES, PRETEND, answer, kernels_numbers

from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.seccomp import candidate_filter, server_filter


@pytest.mark.parametrize("machine", MACHINES)
def test_the_server_filter_is_an_allow_list(machine: str) -> None:
    calls = Calls(machine)
    program = server_filter(calls)
    allowed = {*calls.allowed.values(), *calls.server.values()}
    checked = {calls.number(name) for name in CHECKED if name != "clone"}
    for number in set(range(600)) - checked:
        wanted = ALLOW if number in allowed else EPERM
        wanted = ENOTSUP if number in calls.unsupported.values() else wanted
        wanted = KILL if number in calls.fatal.values() else ENOSYS if number in calls.absent.values() else wanted
        assert answer(program, calls.audit_arch, number) == wanted, number
    assert answer(program, calls.audit_arch ^ 1, calls.allowed["read"]) == KILL
    assert answer(program, calls.audit_arch, 0x40000000 + calls.allowed["read"]) == EPERM  # the x32 table


@pytest.mark.parametrize("machine", MACHINES)
def test_the_candidate_filter_takes_what_only_the_server_needs(machine: str) -> None:
    calls = Calls(machine)
    program = candidate_filter(calls)
    for name in ("unshare", "setns", "mount", "umount2", "seccomp"):
        assert answer(program, calls.audit_arch, calls.server[name]) == KILL
    for name in ("kill", "memfd_create", "sendmsg", "recvmsg", "prctl", "capset", "pidfd_open"):
        assert answer(program, calls.audit_arch, calls.server[name]) == EPERM
    for number in calls.allowed.values():
        assert answer(program, calls.audit_arch, number) == ALLOW


CHECKED: dict[str, tuple[list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "clone": ([(0x003D0F00,)], [(0x01200011,), (0x10000011,), (0x003D0F00 | 0x10000000,), (0x003D0F00 | 0x02000000,)]),
    "fcntl": ([(3, 1), (3, 2), (3, 1030)], [(3, 8), (3, 10), (3, 15), (3, 1024), (3, 1026)]),
    "getsockopt": ([(3, 1, 3), (3, 1, 39)], [(3, 1, 77), (3, 1, 17), (3, 6, 3)]),
    "recvfrom": ([(3, 1, 1, 0), (3, 1, 1, 0x40)], [(3, 1, 1, 1), (3, 1, 1, 0x41)]),
    "ioctl": ([(1, 0x5401), (1, 0x5421)], [(1, 0x5412), (1, 0x8901), (1, 0x8902), (1, 0x5452)]),
    "prlimit64": ([(0, 7)], [(1, 7), (4242, 7), (0xFFFFFFFF, 7)]),
    "sendto": (
        [(5, 1, 1, 0, 0, 0)],
        [(5, 1, 1, 0, 0x7FFF00001000, 110), (5, 1, 1, 0, 0x7F00000000, 110), (5, 1, 1, 1)],
    ),
    "socketpair": ([(1, 1), (1, 1 | 0o2000000)], [(1, 2), (1, 2 | 0o4000), (1, 5), (1, 3), (30, 1)]),
}
"""Call to arguments that pass and arguments that do not."""


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("contained", [False, True])
@pytest.mark.parametrize("name", CHECKED)
def test_arguments_that_reach_beyond_the_candidate_are_refused(machine: str, contained: bool, name: str) -> None:
    calls = Calls(machine)
    program = (candidate_filter if name == "clone" else server_filter)(calls, contained=contained)
    harmless, reaching = CHECKED[name]
    for arguments in harmless:
        assert answer(program, calls.audit_arch, calls.number(name), *arguments) == ALLOW, arguments
    for arguments in reaching:
        assert answer(program, calls.audit_arch, calls.number(name), *arguments) == EPERM, arguments


def test_without_a_file_system_of_its_own_a_candidate_changes_no_mode_and_no_time() -> None:
    calls = Calls("x86_64")
    for name in ("chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat"):
        number = calls.allowed[name]
        assert answer(candidate_filter(calls, contained=True), calls.audit_arch, number) == PRETEND
        assert answer(candidate_filter(calls, contained=False), calls.audit_arch, number) == ALLOW


def test_a_cell_in_a_container_makes_no_namespaces() -> None:
    calls = Calls("x86_64")
    for name in ("unshare", "setns", "mount", "umount2"):
        assert answer(server_filter(calls, contained=True), calls.audit_arch, calls.server[name]) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_the_tables_are_the_kernels(machine: str) -> None:
    numbers = kernels_numbers(machine)
    calls = Calls(machine)
    for group in (calls.allowed, calls.server, calls.fatal, calls.absent, calls.unsupported):
        for name, number in group.items():
            if name in numbers:  # older headers lack the newest calls
                assert numbers[name] == number, name
