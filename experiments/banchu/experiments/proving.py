"""Running attempts for feedback, on what an episode itself brings: visible examples, self-written tests, plain calls.

Programs and tests are both untrusted: tests run in a cell of their own (`Judge.prove`), calls in a command cell. What
came of it is kept in the ledger like a bought answer, so an episode that is walked again is told the same. Nothing here
holds sealed tests, and no verdict on them is ever made.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any, Final, Protocol

from banchu.agents.quoting import bounded
from banchu.core.episode import Check
from banchu.core.sealed import TestSuite
from banchu.core.task import Task
from banchu.experiments.journal import Journal, code_sha, storable
from banchu.experiments.ledger import Ledger
from banchu.sandbox import CommandCell, CommandLimits
from banchu.sandbox.command_order import Order
from banchu.sandbox.proving import Proof

MAX_OUTPUT: Final = 300
"""Characters that one failed test may report."""
MAX_TRACE: Final = 4000
"""Characters of one trace."""
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,}")
_LIMITS: Final = CommandLimits(cpu_s=2.0, wall_s=20.0, processes=8, output_kib=64, file_mib=16)
"""As a candidate's before the judge."""


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
        self._cell = CommandCell(isolation, _LIMITS)
        self._ledger = ledger
        self._journal = journal
        self._in_flight: dict[tuple[str, str, str], asyncio.Task[Any]] = {}

    def of(self, task: Task) -> EpisodeProver:
        """The handle of one episode: it knows the public task, and no other."""
        return EpisodeProver(self, task)

    async def aclose(self) -> None:
        await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
        await self._cell.aclose()

    async def check(self, task: Task, test: str, code: str) -> Check:
        """What came of one test on a program. Raises SandboxError, StorageError."""

        async def prove() -> dict[str, Any]:
            return asdict(_check(test, await self._judge.prove(suite_of(task, test), code)))

        return Check(**await self._once((task.id, _sha("test", test), code_sha(code)), prove))

    async def trace(self, task: Task, calls: Sequence[str], code: str) -> str:
        """What a program does on calls. Raises SandboxError, StorageError."""

        async def run() -> str:
            return await self._trace(calls, code)

        return str(await self._once((task.id, _sha("calls", *calls), code_sha(code)), run))

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

    async def _trace(self, calls: Sequence[str], code: str) -> str:
        script = resources.files("banchu.experiments").joinpath("traced.py").read_bytes()
        files: dict[str, str | bytes] = {
            "main.py": script,
            "answer.py": code.encode("utf-8", "replace"),
            "calls.json": json.dumps(list(calls)),
        }
        # Without the seed the order of a set, which programs print, would change from run to run.
        result = await self._cell.run_async(
            (Order.PYTHON, "-s", "-B", "main.py"), files=files, env={"PYTHONHASHSEED": "0"}
        )
        text = result.stdout if result.ok else f"{result.stdout.rstrip()}\n{_ENDS.get(result.status, _ENDED)}"
        return bounded(_plain(text).strip(), MAX_TRACE)


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


_ENDED: Final = "(stopped: the program ended itself)"
_ENDS: Final[dict[str, str]] = {
    "timed_out": "(stopped: the code took too long)",
    "out_of_memory": "(stopped: the code ran out of memory)",
    "output_limit": "(stopped: the code printed too much)",
    "file_limit": "(stopped: the code wrote too much)",
    "forbidden": "(stopped: the code did something that is not allowed)",
}


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
    return bounded(_plain(text).strip().partition("\n")[0], MAX_OUTPUT)


def _plain(text: str) -> str:
    """Without what differs from one run to the next, and without what a file cannot hold."""
    return _ADDRESS.sub("0x...", storable(text))


def _sha(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
