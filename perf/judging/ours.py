"""Rows of banchu: each tier one at a time, and with a slot a core."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from banchu.core.sealed import unseal
from banchu.sandbox import Judge, Limits, probe_isolation
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.slot import Slot
from judging.programs import Program
from judging.rows import Entry, Outcome, Unavailable

CORES = len(os.sched_getaffinity(0))
TIERS = ("namespaces", "landlock", "bwrap")


class Judging:
    """`Judge`, as a user calls it."""

    def __init__(self, _group: str, isolation: str, slots: int) -> None:
        self._isolation, self._slots = isolation, slots
        self._judge: Judge | None = None

    def prepare(self, programs: Sequence[Program]) -> None:
        if self._judge is None:
            self._judge = Judge(slots=self._slots, isolation=_had(self._isolation))

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        assert self._judge is not None
        if self._slots == 1:
            return [self._one(self._judge, program) for program in programs]
        judged = self._judge.judge_many_sync((program, program.code) for program in programs)
        return [
            Outcome(
                programs[one.index].task_id,
                one.verdict is not None and one.verdict.passed,
                one.verdict.wall_s if one.verdict else 0.0,
            )
            for one in judged
        ]

    def close(self) -> None:
        if self._judge is not None:
            self._judge.close()

    @staticmethod
    def _one(judge: Judge, program: Program) -> Outcome:
        start = time.perf_counter()
        verdict = judge.judge_sync(program, program.code)
        return Outcome(program.task_id, verdict.passed, time.perf_counter() - start)


def _had(isolation: str) -> str:
    """The tier as it can be had here: with the system's interpreter where candidates may not read this one's files."""
    report = probe_isolation(isolation)
    if report.ok:
        return isolation
    other = f"{isolation}+python=/usr/bin/python3"
    if isolation in ("landlock", "bwrap") and Path("/usr/bin/python3").exists() and probe_isolation(other).ok:
        return other
    raise Unavailable(f"{report.detail}; {report.remedy}")


class CallByCall:
    """One slot, where each call of the check waits for the answer to the one before, though it need not."""

    def __init__(self, _group: str) -> None:
        self._slot: Slot | None = None

    def prepare(self, programs: Sequence[Program]) -> None:
        self._slot = self._slot or Slot(Isolation(), Limits())

    def judge(self, programs: Sequence[Program]) -> list[Outcome]:
        return [self._one(program) for program in programs]

    def close(self) -> None:
        if self._slot is not None:
            self._slot.close()

    def _one(self, program: Program) -> Outcome:
        assert self._slot is not None
        start = time.perf_counter()
        verdict = self._slot.judge(unseal(program.sealed), program.code, Limits(), stepwise=True)
        return Outcome(program.task_id, verdict.passed, time.perf_counter() - start)


def rows() -> dict[str, Entry]:
    found = {tier: Entry(partial(Judging, isolation=tier, slots=1), "one at a time") for tier in TIERS}
    found["namespaces, call by call"] = Entry(CallByCall, "no value mode")
    many = {
        f"{tier}, {CORES} slots": Entry(partial(Judging, isolation=tier, slots=CORES), "judge_many_sync")
        for tier in TIERS
    }
    return found | many
