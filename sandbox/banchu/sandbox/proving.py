"""Tests that nobody vouches for, run on a program: both are held in cells of their own.

This is how tests that a model wrote become feedback. No verdict on sealed tests is ever made here.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any

from banchu.core.sealed import TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox.cells import open_cell
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed, Link, Message, ready
from banchu.sandbox.verdicts import Ended, cpu_spent, ended_of, verdict_of
from banchu.sandbox.wire.frames import Broken, framed, read_frame

_GRACE_S = 5.0
_DYING_S = 1.0
_MAX_REPORT = 2**20


@dataclass(frozen=True, slots=True)
class Proof:
    """How a program did on tests that may themselves be wrong."""

    verdict: Verdict | None
    """None: the tests could not be run."""
    broken: str = ""
    """Why they could not: a syntax error, an exception before the first call, a report that never came."""


class ProvingGround:
    """One cell for programs and one for tests. Blocking; used by one thread at a time. After Failed, make another."""

    def __init__(self, isolation: Isolation, limits: Limits) -> None:
        """Raises Failed when a cell does not come up."""
        self._isolation = str(isolation)
        self._limits = limits
        self._programs = open_cell(isolation, limits)
        try:
            self._tests = open_cell(isolation, limits, "tests")
        except Failed:
            self._programs.close()
            raise

    def close(self) -> None:
        """Idempotent."""
        self._programs.close()
        self._tests.close()

    def prove(self, tests: TestSuite, code: str) -> Proof:
        """Run tests on a program. Raises Failed when a cell fails."""
        start = time.monotonic()
        order = {"op": "run", "limits": {"cpu_s": self._limits.cpu_s}, "seed": 0}
        to_tests, from_app = socket.socketpair()
        with to_tests:
            with from_app:
                self._start(order, from_app)
            report = self._report(to_tests, tests, code)
        if report is not None and report.get("lost") == "gone":
            ready([self._programs], _DYING_S)  # let the kernel say how it ended
        program, prover = self._end(self._programs), self._end(self._tests)
        broken = (report or {}).get("broken") or (report or {}).get("failed")
        # Tests that are broken may be done with before the program has come up; nobody has asked it anything.
        if not (prover.ready and (program.ready or broken)):
            raise Failed("a cell's process did not come up")
        if report is None:
            return Proof(None, f"the tests gave no report: {_said_of(prover, self._limits)}")
        if broken:
            return Proof(None, str(broken)[:500])
        return Proof(verdict_of(report, program, self._limits, time.monotonic() - start, self._isolation))

    def _start(self, order: Message, from_app: socket.socket) -> None:
        program, tests = socket.socketpair()
        with program, tests:
            self._programs.send(order, [program.fileno()])
            self._tests.send(order, [from_app.fileno(), tests.fileno()])

    def _report(self, line: socket.socket, tests: TestSuite, code: str) -> dict[str, Any] | None:
        """What the tests say, if they say anything that can be understood in time."""
        suite = {"check": tests.check, "context": tests.context, "entry_point": tests.entry_point}
        job = {**suite, "code": code, "seed": 0, "stepwise": True, "borrowed": []}
        deadline = time.monotonic() + self._limits.wall_s

        def read(_fd: int, size: int) -> bytes:
            line.settimeout(max(0.001, deadline - time.monotonic()))
            return line.recv(size)

        try:
            line.settimeout(self._limits.wall_s)
            line.sendall(framed(json.dumps(job).encode()))
            frame = read_frame(line.fileno(), _MAX_REPORT, read)
            return _checked(json.loads(frame)) if frame else None
        except (OSError, Broken, ValueError, RecursionError):
            return None

    def _end(self, cell: Link) -> Ended:
        cell.send({"op": "end"})
        return ended_of(cell.receive(_GRACE_S), wall_spent=False)


def _checked(report: Any) -> dict[str, Any] | None:
    """A report in the form that the tester gives it, or None: it was written next to untrusted code."""
    if type(report) is not dict:
        return None
    if type(report.get("broken") or report.get("failed")) is str:
        return report
    failure = report.get("failure")
    counts = [report.get(key) for key in ("passed", "total")]
    if not all(type(count) is int and 0 <= count < 10**9 for count in counts) or not _is_failure(failure):
        return None
    known = {"failure": failure, "lost": report.get("lost"), "incomplete": False}
    return {"passed": counts[0], "total": counts[1], **known}


def _is_failure(failure: Any) -> bool:
    if failure is None:
        return True
    if type(failure) is not dict or failure.get("kind") not in _KINDS:
        return False
    inner = failure.get("failure", {"type": "", "builtin": "", "message": "", "trace": ""})
    texts = [failure.get(key, "") for key in ("assertion", "expected", "actual", "error")]
    if type(inner) is not dict or (failure["kind"] == "raised" and "failure" not in failure):
        return False
    texts += [inner.get(key) for key in ("type", "builtin", "message", "trace")]
    return all(type(text) is str for text in texts)


_KINDS = ("assertion", "tests", "raised", "too_large", "malformed", "gone")


def _said_of(prover: Ended, limits: Limits) -> str:
    if cpu_spent(prover, limits):
        return f"CPU limit of {limits.cpu_s:g} s"
    return f"none came within {limits.wall_s:g} s" if prover.killed else prover.summary
