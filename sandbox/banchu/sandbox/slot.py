"""A slot: one warm cell and one warm tester, which judge one candidate at a time."""

from __future__ import annotations

import socket
import time

from banchu.core.errors import SandboxError
from banchu.core.sealed import TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox.cells import open_cell
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.link import Failed, Message, ready
from banchu.sandbox.process import Process
from banchu.sandbox.tester.names import borrowed_names
from banchu.sandbox.verdicts import Ended, ended_of, verdict_of

_GRACE_S = 5.0
"""For the judge's own processes to answer when the candidate no longer can."""
_REPORT_S = 2.0
"""For the tests to notice that the candidate was killed and to report how far they came."""
_DYING_S = 1.0
"""For the kernel to finish a candidate that has closed its channel."""
_LEAVING_S = 0.05
"""For a candidate to end by itself once it has answered its last request."""
_TOGETHER_S = 0.05
"""For both the report and the candidate's end."""
_MAX_SUITES = 2048
"""Tests that a tester keeps."""


class Slot:
    """Blocking; used by one thread at a time. After Failed, close it and start another."""

    def __init__(self, isolation: Isolation, limits: Limits) -> None:
        """Raises Failed when a process does not come up. Memory and files of all candidates are those of `limits`."""
        self._isolation = str(isolation)
        self._numbers: dict[TestSuite, int] = {}
        """Tests that the tester has been sent."""
        self._cell = open_cell(isolation, limits)
        try:
            self._tester = Process("tester")
        except Failed:
            self._cell.close()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """Of its processes on this machine: the cell's, where it is one, and the tester's."""
        return *([self._cell.pid] if isinstance(self._cell, Process) else []), self._tester.pid

    def judge(self, suite: TestSuite, code: str, limits: Limits, seed: int = 0, *, stepwise: bool = False) -> Verdict:
        """The verdict on one program.

        `stepwise`: every call waits for the answer to the one before. Otherwise calls that are known are sent at once,
        and a candidate that dies over them is judged again stepwise, unless its time was up.

        Raises:
            Failed: a process of the judge failed; nothing is known of the program.
            SandboxError: the tests themselves cannot run, here or anywhere.
        """
        start = time.monotonic()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._cell.send({"op": "run", "limits": {"cpu_s": limits.cpu_s}, "seed": seed}, [theirs.fileno()])
            job = {**self._job(suite), "code": code, "seed": seed, "stepwise": stepwise}
            self._tester.send(job, [ours.fileno()])
        report, wall_spent = self._report(start + limits.wall_s)
        ended = self._end(report, wall_spent)
        if report is not None and "broken" in report:
            raise SandboxError(f"the sealed tests cannot be run: {report['broken']}")
        if report is not None and "failed" in report:
            raise Failed(f"the tester failed: {report['failed']}")
        if not ended.ready:
            raise Failed(f"the candidate's process did not come up: {ended.summary}")
        verdict = verdict_of(report, ended, limits, time.monotonic() - start, self._isolation)
        if report is not None and report["incomplete"] and verdict.kind != "timed_out":
            return self.judge(suite, code, limits, seed, stepwise=True)
        return verdict

    def close(self) -> None:
        """Idempotent."""
        self._cell.close()
        self._tester.close()

    def _report(self, deadline: float) -> tuple[Message | None, bool]:
        """(what the tester says, whether the time was up). When it is, the candidate is killed, which the tester sees.

        A candidate that ends early, or a cell that does, is a channel that closes: the tester hears of it first.
        """
        # A report is followed by the candidate's end, if it is honest: to wake once for both spares a wake-up.
        ready([self._cell], min(_TOGETHER_S, deadline - time.monotonic()))
        if ready([self._tester], deadline - time.monotonic()):
            return self._tester.receive(0), False
        self._cell.send({"op": "end"})
        if ready([self._tester], _REPORT_S):
            return self._tester.receive(0), True
        self._restart_tester()  # its tests are still at work on the candidate's last answer
        return None, True

    def _end(self, report: Message | None, wall_spent: bool) -> Ended:
        """What the kernel said of the candidate, which is killed if it still runs."""
        # A dying process closes its channel before it is dead: let the kernel say how it ended.
        # So does one that has answered its last request, which ends by itself, if it is honest.
        said = report or {}
        patience_s = _DYING_S if said.get("lost") == "gone" else _LEAVING_S if said.get("last") else 0
        if not wall_spent and not (patience_s and ready([self._cell], patience_s)):
            self._cell.send({"op": "end"})
        return ended_of(self._cell.receive(_GRACE_S), wall_spent=wall_spent)

    def _job(self, suite: TestSuite) -> Message:
        """The tests, or only their number where the tester has them already."""
        if (number := self._numbers.get(suite)) is not None:
            return {"suite": number}
        if len(self._numbers) == _MAX_SUITES:
            self._numbers.clear()
        number = self._numbers[suite] = len(self._numbers)  # the tester forgets all when it sees 0 again
        tests = {"check": suite.check, "context": suite.context, "entry_point": suite.entry_point}
        return {"suite": number, "tests": {**tests, "borrowed": borrowed_names(suite)}}

    def _restart_tester(self) -> None:
        self._tester.close(hang_up_s=0)  # it is busy, and would not notice
        self._tester = Process("tester")
        self._numbers.clear()
