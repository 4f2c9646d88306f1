"""Judging a case, and all that must be true afterwards."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import Judge, Limits

from .corpus.case import SQUARES, Case
from .host import Host
from .innocent import LOOK

_WALL_S, _SHORT_WALL_S = 6.0, 1.5


class Bench:
    """Judges of one slot each on one tier, so that each candidate meets what the one before left."""

    def __init__(self, isolation: str, host: Host) -> None:
        self.isolation = isolation
        self._host = host
        self._judges = [
            Judge(Limits(cpu_s=1.0, wall_s=wall_s, memory_mib=256), slots=1, isolation=isolation)
            for wall_s in (_WALL_S, _SHORT_WALL_S)
        ]

    def applies(self, case: Case) -> bool:
        """Whether the case means something on this tier."""
        return not case.tiers or self.isolation.partition("+")[0] in case.tiers

    def problems(self, case: Case) -> list[str]:
        """What went wrong with a case, in words: its verdict, the slot, the next candidate, the host."""
        judge = self._judges[case.waits]
        slot, pids = self._slot(judge)
        verdict = self._ask(judge, case.program(self._host.targets), case.check, case.reference)
        found = [] if verdict.kind in case.allowed else [f"the verdict was {verdict}"]
        try:
            "".join((verdict.error, verdict.actual, verdict.expected, verdict.stdout, verdict.assertion)).encode()
        except UnicodeEncodeError as error:
            found.append(f"its verdict cannot be written down: {error}")
        for program in filter(None, (LOOK, case.after)):
            after = self._ask(judge, f"{program}# after {case.name}\n")  # never one that was judged before
            if not after.passed:
                found.append(f"the candidate after it: {after}")
        if not case.restarts and self._slot(judge) != (slot, pids):
            found.append("the judge replaced a process")
        return found + self._host.harm()

    def close(self) -> None:
        for judge in self._judges:
            judge.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, judge: Judge, code: str, check: str = SQUARES, reference: str = "") -> Verdict:
        return judge.judge_sync(SealedTests(TestSuite(check, "f", "", reference)), code)

    def _slot(self, judge: Judge) -> tuple[object, object]:
        if not judge._pool._idle:
            self._ask(judge, f"{LOOK}# first\n")
        (slot,) = judge._pool._idle
        return slot, slot.pids
