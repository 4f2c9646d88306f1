"""One hostile candidate as plain data, and the few texts that many of them share.

A program that gets what it wants answers rightly and so passes; whatever stops it raises. Hence no case but a control
may pass. `@NAME@` in a program stands for something on the host that it must not reach (see `host.py`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from banchu.core.verdict import VerdictKind

SQUARES = """
def check(candidate):
    assert candidate(2) == 4
    assert candidate(3) == 9
    assert candidate(-12) == 144
"""
STEPS = """
def check(candidate):
    for value in (2, 3, -12):
        assert candidate(value) == value * value
"""
"""The same, call by call: which calls it makes is not known ahead."""
RIGHT = "\ndef f(x):\n    return x * x\n"
WRONG = "\ndef f(x):\n    return 1\n"
MARK = "banchu-mark"
"""Whatever a program tries to leave behind on the host has this in its name."""

HELD: tuple[VerdictKind, ...] = ("wrong_answer", "raised", "forbidden", "timed_out", "out_of_memory")
"""For programs that break their own interpreter: how it ends is their own affair, as long as it is no pass."""

EQUAL = """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 4
    def __bool__(self): return True
"""
LIBC = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(x86_64, aarch64, *arguments):
    "A system call by its number, which must succeed."
    number = x86_64 if os.uname().machine == "x86_64" else aarch64
    made = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if made < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return made
"""
MEMORY = """
libc.sbrk.restype = ctypes.c_void_p
def pages():
    "The bytes of its heap, and of what lies around its objects, page by page. The kernel knows which there are."
    r, w = os.pipe()
    for top in (libc.sbrk(0) // 4096 * 4096, (id(object()) // 4096 + 2048) * 4096):
        for page in range(top - (24 << 20), top, 4096):
            if libc.write(w, ctypes.c_void_p(page), 4096) == 4096:
                yield os.read(r, 4096)
"""
CHANNEL = """
import json, os, sys
def exactly(length):
    data = b""
    while len(data) < length:
        part = os.read(3, length - len(data))
        if not part:
            os._exit(9)
        data += part
    return data
def receive():
    return json.loads(exactly(int.from_bytes(exactly(4), "big")))
def send(text):
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    body = len(body).to_bytes(4, "big") + body
    while body:
        body = body[os.write(3, body):]
def question():
    "The id of the request that is being answered, from the judge's own frames."
    frame = sys._getframe()
    while frame:
        if isinstance(frame.f_locals.get("request_id"), str):
            return frame.f_locals["request_id"]
        frame = frame.f_back
def answer(mine, *answers):
    send('["%s",[%s]]' % (mine, ",".join('["%s",%s]' % a for a in answers)))
def reply(kind, body):
    answer(question(), (kind, body))
"""


@dataclass(frozen=True)
class Case:
    """One program, what it tries, and the verdicts that are fine."""

    name: str
    tries: str
    """In one line."""
    code: str
    allowed: frozenset[VerdictKind]
    check: str = SQUARES
    reference: str = ""
    """The reference solution, where the tests take names from it."""
    after: str = ""
    """A look for traces, judged next in the same slot besides the look that follows every case."""
    waits: bool = False
    """Stopped by the wall limit: judged with a short one."""
    slow: bool = False
    """Takes seconds: not among the fast tests."""
    restarts: bool = False
    """The judge may replace one of its processes."""
    tiers: frozenset[str] = frozenset()
    """Where it means something; empty: everywhere."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", textwrap.dedent(self.check))
        object.__setattr__(self, "allowed", frozenset(self.allowed))
        object.__setattr__(self, "tiers", frozenset(self.tiers))

    def program(self, targets: Mapping[str, str]) -> str:
        """Its source, aimed at this host."""
        code = self.code
        for name, value in targets.items():
            code = code.replace(f"@{name}@", value)
        return code


def tampering(name: str, tries: str, code: str, *allowed: VerdictKind, uses: str = "", **more: object) -> Case:
    """Wants to be called right without being right. Its program is complete."""
    return Case(name, tries, uses + textwrap.dedent(code), frozenset(allowed), **more)  # type: ignore[arg-type]


def escape(name: str, tries: str, code: str, *allowed: VerdictKind, uses: str = "", **more: object) -> Case:
    """Wants to reach the host. Raises where it is held, answers rightly where it is not."""
    kinds = frozenset(allowed or ("raised", "forbidden"))
    return Case(name, tries, uses + textwrap.dedent(code) + RIGHT, kinds, **more)  # type: ignore[arg-type]


bomb = escape
"""Wants more of the machine than it may have. The same form, with the verdicts of its limit."""


def trace(name: str, tries: str, code: str, after: str = "", uses: str = "", **more: object) -> Case:
    """Wants to leave something for the next candidate; answers wrongly. `after` raises where it finds anything."""
    looks = uses + textwrap.dedent(after) + RIGHT if after else ""
    kinds: frozenset[VerdictKind] = frozenset({"wrong_answer", "output_limit"})
    return Case(name, tries, uses + textwrap.dedent(code) + WRONG, kinds, after=looks, **more)  # type: ignore[arg-type]


def control(name: str, tries: str, code: str, check: str = SQUARES) -> Case:
    """An honest program, which must pass on every tier."""
    return Case(name, tries, textwrap.dedent(code), frozenset({"passed"}), check)
