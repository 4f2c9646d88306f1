"""The gate replayed: the tests that a log holds, run on its first attempts and on the reference solutions.

Only tests that the loop itself had are run here, and in cells of their own: nobody vouches for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from banchu.agents.tester import asserts_in
from banchu.core.errors import IsolationUnavailable, SandboxError
from banchu.core.sealed import TestSuite, unseal
from banchu.experiments.audit.judged import JudgedLog
from banchu.experiments.audit.log import Entry
from banchu.sandbox import Judge

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the tests of one record say."""

    task_id: str
    tests: int
    touched: bool
    """Whether the loop went on after the first attempt."""
    passed: bool | None
    """The first attempt on the sealed tests; None: not known."""
    accepts: bool | None
    """Whether all tests of the log hold for the first attempt; None: there is none, or the judge failed."""
    accepts_reference: bool | None
    """The same for the reference solution."""


def with_tests(judged: JudgedLog) -> list[Entry]:
    """The records that hold tests which can be run."""
    return [entry for entry in judged.log.counted if entry.task and asserts_in(entry.row.tests, entry.task.entry_point)]


def replay(judged: JudgedLog, judge: Judge, *, stop: Callable[[], bool] = lambda: False) -> Iterator[Replayed]:
    """Each record with tests, in the order of the log.

    Args:
        stop: asked before each record is taken up; once it is true, those under way are finished and that is all.

    Raises IsolationUnavailable.
    """
    sealed = {pair.task.id: unseal(pair.sealed) for pair in judged.benchmark.tasks}

    def one(entry: Entry) -> Replayed:
        assert entry.task
        tests = asserts_in(entry.row.tests, entry.task.entry_point)
        suite, reference = _suite(tests, sealed[entry.task_id]), sealed[entry.task_id].reference
        first = entry.first.sample.code if entry.first else None
        return Replayed(
            entry.task_id,
            len(tests),
            entry.touched,
            judged.passed(entry.first),
            _holds(judge, suite, first) if entry.first else None,
            _holds(judge, suite, reference) if reference else None,
        )

    waiting = iter(with_tests(judged))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="banchu-replay") as threads:
        while not stop() and (batch := list(islice(waiting, _AT_ONCE))):
            yield from threads.map(one, batch)


def _suite(tests: tuple[str, ...], sealed: TestSuite) -> TestSuite:
    """With the public half of the task around the tests, and nothing of the sealed one."""
    check = "\n".join(["def check(candidate):", *(f"    {test}" for test in tests)])
    return TestSuite(f"{check}\n", sealed.entry_point, sealed.context, "")


def _holds(judge: Judge, suite: TestSuite, code: str | None) -> bool | None:
    if code is None:
        return False
    try:
        verdict = judge.prove_sync(suite, code).verdict
    except IsolationUnavailable:
        raise
    except SandboxError:
        return None
    # Tests that break before they call anything hold for no program, and turn every one away.
    return verdict.passed if verdict else False
