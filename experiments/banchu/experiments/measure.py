"""The measurement channel: every attempt of every arm is judged, and the verdict goes to the ledger.

The wall, part three. `Measurements` holds the judge and the sealed tests. The graph meets it in two ways only: through
a write-only sink (`EpisodeRecorder`), and, in arms that use the oracle, through an `OracleHandle` that counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from banchu.core.episode import Attempt, Choice, Feedback
from banchu.core.errors import SandboxError
from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.core.task import Task
from banchu.core.verdict import Verdict
from banchu.experiments.journal import EpisodeJournal, Journal, code_sha
from banchu.experiments.ledger import Ledger
from banchu.experiments.progress import Progress
from banchu.experiments.proving import suite_of
from banchu.experiments.tracing import UNTRACED, EpisodeTrace, VerdictSource
from banchu.sandbox.proving import Proof


class Judges(Protocol):
    """The judge, as far as a run needs it."""

    async def judge(self, sealed: SealedTests, code: str | None) -> Verdict: ...

    async def prove(self, tests: TestSuite, code: str) -> Proof: ...


class Measurements:
    """Verdicts of one run, each found once for a (task, code)."""

    def __init__(
        self, judge: Judges, sealed: Mapping[str, SealedTests], ledger: Ledger, journal: Journal, progress: Progress
    ) -> None:
        self._judge = judge
        self._sealed = sealed
        self._ledger = ledger
        self._journal = journal
        self._progress = progress
        self._in_flight: dict[tuple[str, str], asyncio.Task[Verdict]] = {}
        self._held: dict[tuple[str, str], asyncio.Task[bool]] = {}
        self.failures = 0
        """Judgements that failed: attempts left unjudged in this process."""

    async def verdict(self, task_id: str, code: str | None) -> Verdict:
        """The verdict on a program. Raises SandboxError when the judge fails, StorageError when the ledger does."""
        key = (task_id, code_sha(code))
        if (judging := self._in_flight.get(key)) is None:
            if (known := self._ledger.find_verdict(*key)) is not None:
                return known
            judging = asyncio.create_task(self._measure(task_id, code))
            self._in_flight[key] = judging
            judging.add_done_callback(lambda _: self._in_flight.pop(key, None))
        return await asyncio.shield(judging)

    async def holds(self, task: Task, test: str) -> bool:
        """Whether the reference solution passes a test that a model wrote. For the ledger: no handle of the graph
        leads here. Raises SandboxError."""
        key = (task.id, test)
        running = self._held.get(key)
        if running is None or (running.done() and (running.cancelled() or running.exception())):
            running = self._held[key] = asyncio.create_task(self._hold(task, test))
        return await asyncio.shield(running)

    async def _hold(self, task: Task, test: str) -> bool:
        proof = await self._judge.prove(suite_of(task, test), unseal(self._sealed[task.id]).reference)
        return proof.verdict is not None and proof.verdict.passed

    async def _measure(self, task_id: str, code: str | None) -> Verdict:
        try:
            verdict = await self._judge.judge(self._sealed[task_id], code)
        except SandboxError:
            self.failures += 1
            raise
        # In flight until committed, so that nobody meets a gap between the two.
        await asyncio.wrap_future(self._journal.verdict(task_id, code, verdict))
        self._progress.verdict(verdict.kind)
        return verdict

    def source(self, task_id: str, code: str | None) -> VerdictSource:
        """Where `verdict` would take it from at this moment. For those who watch."""
        key = (task_id, code_sha(code))
        if key in self._in_flight:
            return "shared"
        return "judge" if self._ledger.find_verdict(*key) is None else "ledger"


class OracleHandle:
    """The oracle of one episode. Counts the attempts whose verdict crossed into the feedback channel."""

    def __init__(self, measurements: Measurements, task_id: str) -> None:
        self._measurements = measurements
        self._task_id = task_id
        self._known: dict[int, Verdict] = {}

    @property
    def calls(self) -> int:
        return len(self._known)

    async def __call__(self, attempt: Attempt) -> Verdict:
        if attempt.round not in self._known:
            self._known[attempt.round] = await self._measurements.verdict(self._task_id, attempt.code)
        return self._known[attempt.round]


class EpisodeRecorder:
    """The write-only sink of one episode: to the ledger, and attempts and self-written tests on to the judge."""

    def __init__(
        self,
        task: Task,
        journal: EpisodeJournal,
        measurements: Measurements,
        progress: Progress,
        trace: EpisodeTrace = UNTRACED,
    ) -> None:
        self._task = task
        self._journal = journal
        self._measurements = measurements
        self._progress = progress
        self._trace = trace
        self._judging: list[asyncio.Task[Verdict] | asyncio.Task[None]] = []

    def attempt(self, attempt: Attempt) -> None:
        self._journal.attempt(attempt)
        self._progress.attempt()
        judge = partial(self._measurements.verdict, self._task.id, attempt.code)
        source = partial(self._measurements.source, self._task.id, attempt.code)
        self._judging.append(asyncio.create_task(self._trace.judging(attempt, judge, source)))

    def feedback(self, feedback: Feedback) -> None:
        self._journal.feedback(feedback)

    def reflection(self, round: int, text: str) -> None:
        self._journal.reflection(round, text)

    def choice(self, choice: Choice) -> None:
        self._journal.choice(choice)

    def self_tests(self, tests: Sequence[str]) -> None:
        self._journal.self_tests(tests)
        self._judging += [asyncio.create_task(self._measure_test(*numbered)) for numbered in enumerate(tests)]

    async def _measure_test(self, number: int, test: str) -> None:
        self._journal.self_test_holds(number, await self._measurements.holds(self._task, test))

    async def settle(self) -> None:
        """Wait until every attempt is judged. A judge that failed leaves its attempt unjudged; other errors rise."""
        for outcome in await asyncio.gather(*self._judging, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, SandboxError):
                raise outcome
