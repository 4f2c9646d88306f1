"""What a filter of system calls answers, and what the kernel's own headers say, for tests of both profiles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from banchu.sandbox.cell.seccomp import Instruction

ALLOW, KILL, EPERM, ENOSYS, ENOTSUP, PRETEND = 0x7FFF0000, 0x80000000, 0x50001, 0x50026, 0x5005F, 0x50000
MACHINES = ["x86_64", "aarch64"]
HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", r"#define __NR_(\w+) (\d+)"),
    "aarch64": ("/usr/include/asm-generic/unistd.h", r"#define __NR(?:3264)?_(\w+) (\d+)"),
}


def answer(program: list[Instruction], arch: int, number: int, *arguments: int) -> int:
    """What the kernel would do: seccomp_data at offsets 0 (number), 4 (arch), 16 and up (arguments of 8 bytes)."""
    data = {0: number, 4: arch} | dict.fromkeys(range(16, 64, 4), 0)
    for at, argument in enumerate(arguments):
        data |= {16 + 8 * at: argument & 0xFFFFFFFF, 20 + 8 * at: argument >> 32}
    at = accumulator = 0
    while True:
        code, if_true, if_false, k = program[at]
        at += 1
        match code:
            case 0x20:
                accumulator = data[k]
            case 0x54:
                accumulator &= k
            case 0x06:
                return k
            case 0x15 | 0x35 | 0x45:
                holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
                at += if_true if holds else if_false
            case _:
                raise AssertionError(code)


def kernels_numbers(machine: str) -> dict[str, int]:
    """Of system calls, by name; older headers lack the newest. Skips the test where there are no headers."""
    header, pattern = HEADERS[machine]
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    numbers = {name: int(number) for name, number in re.findall(pattern, Path(header).read_text())}
    return {**numbers, "newfstatat": numbers.get("newfstatat", numbers.get("fstatat", 0))}
