"""Running attempts for feedback, on what an episode itself brings: visible examples, self-written tests, plain calls.

Programs and tests are both untrusted: tests run in a cell of their own (`Judge.prove`), calls in a command cell. What
came of it is kept in the ledger like a bought answer, so an episode that is walked again is told the same. Nothing here
holds sealed tests, and no verdict on them is ever made.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol

from banchu.agents.quoting import bounded
from banchu.core.episode import Check
from banchu.core.sealed import TestSuite
from banchu.core.task import Task
from banchu.experiments.executing import Executor, plain
from banchu.experiments.journal import Journal, code_sha
from banchu.experiments.ledger import Ledger
from banchu.sandbox.proving import Proof

MAX_OUTPUT: Final = 300
"""Characters that one failed test may report."""


class Proves(Protocol):
    """The judge, as far as feedback may use it."""

    async def prove(self, tests: TestSuite, code: str) -> Proof: ...


class Proofs:
    """One run's proofs, each made once for a (task, test, program). Close it when done.

    Args:
        isolation: what holds traced programs, as the judge's.
    """

    def __init__(self, judge: Proves, isolation: str, ledger: Ledger, journal: Journal) -> None:
        self._judge = judge
        self._executor = Executor(isolation)
        self._ledger = ledger
        self._journal = journal
        self._in_flight: dict[tuple[str, str, str], asyncio.Task[Any]] = {}

    def of(self, task: Task) -> EpisodeProver:
        """The handle of one episode: it knows the public task, and no other."""
        return EpisodeProver(self, task)

    async def aclose(self) -> None:
        await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
        await self._executor.aclose()

    async def check(self, task: Task, test: str, code: str) -> Check:
        """What came of one test on a program. Raises SandboxError, StorageError."""

        async def prove() -> dict[str, Any]:
            return asdict(_check(test, await self._judge.prove(suite_of(task, test), code)))

        return Check(**await self._once((task.id, _sha("test", test), code_sha(code)), prove))

    async def trace(self, task: Task, calls: Sequence[str], code: str) -> str:
        """What a program does on calls. Raises SandboxError, StorageError."""

        async def run() -> str:
            return await self._executor.trace(calls, code)

        return str(await self._once((task.id, _sha("calls", *calls), code_sha(code)), run))

    async def outputs(self, task: Task, calls: Sequence[str], code: str) -> list[str]:
        """What each call gives, as comparable text. Raises SandboxError, StorageError."""

        async def run() -> list[str]:
            return await self._executor.outputs(calls, code)

        return list(await self._once((task.id, _sha("outputs", *calls), code_sha(code)), run)) if calls else []

    async def steps(self, task: Task, call: str, code: str) -> str:
        """The run of one call, block by block. Raises SandboxError, StorageError."""

        async def run() -> str:
            return await self._executor.steps(call, code)

        return str(await self._once((task.id, _sha("steps", call), code_sha(code)), run))

    async def _once(self, key: tuple[str, str, str], make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        if (running := self._in_flight.get(key)) is None:
            if (known := self._ledger.find_proof(*key)) is not None:
                return known
            running = asyncio.create_task(self._made(key, make))
            self._in_flight[key] = running
            running.add_done_callback(lambda _: self._in_flight.pop(key, None))
        return await asyncio.shield(running)

    async def _made(self, key: tuple[str, str, str], make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        found = await make()
        # What a resumed run reads back must equal what this one goes on with.
        await asyncio.wrap_future(self._journal.proof(*key, found))
        return found


class EpisodeProver:
    """The prover of one episode's task."""

    def __init__(self, proofs: Proofs, task: Task) -> None:
        self._proofs = proofs
        self._task = task

    async def check(self, tests: Sequence[str], code: str) -> list[Check]:
        """As `banchu.graphs.Prover`."""
        return list(await asyncio.gather(*(self._proofs.check(self._task, test, code) for test in tests)))

    async def trace(self, calls: Sequence[str], code: str) -> str:
        """As `banchu.graphs.Prover`."""
        return await self._proofs.trace(self._task, calls, code)

    async def outputs(self, calls: Sequence[str], code: str) -> list[str]:
        """As `banchu.graphs.Prover`."""
        return await self._proofs.outputs(self._task, calls, code)

    async def steps(self, call: str, code: str) -> str:
        """As `banchu.graphs.Prover`."""
        return await self._proofs.steps(self._task, call, code)


def suite_of(task: Task, test: str) -> TestSuite:
    """A single assert as tests of a task: it sees what the prompt imports and defines, and nothing sealed."""
    return TestSuite(f"def check(candidate):\n    {test}\n", task.entry_point, task.prompt, "")


def _check(test: str, proof: Proof) -> Check:
    verdict = proof.verdict
    if verdict is None:
        return Check(test, passed=False, output=_line(proof.broken))
    if verdict.passed:
        return Check(test, passed=True)
    said = "TIMEOUT" if verdict.kind == "timed_out" else verdict.actual or verdict.error or verdict.kind
    return Check(test, passed=False, output=_line(said))


def _line(text: str) -> str:
    return bounded(plain(text).strip().partition("\n")[0], MAX_OUTPUT)


def _sha(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
