"""The filters, run by an interpreter of their few instructions, for both machines; the tables against the kernel's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.seccomp import Instruction, candidate_filter, server_filter

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x50001, 0x50026
MACHINES = ["x86_64", "aarch64"]


def answer(program: list[Instruction], arch: int, number: int, argument: int = 0) -> int:
    """What the kernel would do: seccomp_data at offsets 0 (number), 4 (arch), 16 (first argument)."""
    data = {0: number, 4: arch, 16: argument}
    at = accumulator = 0
    while True:
        code, if_true, if_false, k = program[at]
        at += 1
        match code:
            case 0x20:
                accumulator = data[k]
            case 0x06:
                return k
            case 0x15 | 0x35 | 0x45:
                holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
                at += if_true if holds else if_false
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_server_filter_is_an_allow_list(machine: str) -> None:
    calls = Calls(machine)
    program = server_filter(calls)
    allowed = {*calls.allowed.values(), *calls.server.values()}
    for number in range(600):
        wanted = ALLOW if number in allowed else EPERM
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
    clone = calls.server["clone"]
    assert answer(program, calls.audit_arch, clone, 0x003D0F00) == ALLOW  # pthread_create
    assert answer(program, calls.audit_arch, clone, 0x01200011) == EPERM  # fork
    assert answer(program, calls.audit_arch, clone, 0x10000011) == EPERM  # a user namespace


@pytest.mark.parametrize(
    ("machine", "header", "pattern"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", r"#define __NR_(\w+) (\d+)"),
        ("aarch64", "/usr/include/asm-generic/unistd.h", r"#define __NR(?:3264)?_(\w+) (\d+)"),
    ],
)
def test_the_tables_are_the_kernels(machine: str, header: str, pattern: str) -> None:
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    numbers = {name: int(number) for name, number in re.findall(pattern, Path(header).read_text())}
    numbers["newfstatat"] = numbers.get("newfstatat", numbers.get("fstatat", 0))
    calls = Calls(machine)
    for group in (calls.allowed, calls.server, calls.fatal, calls.absent):
        for name, number in group.items():
            if name in numbers:  # older headers lack the newest calls
                assert numbers[name] == number, name
