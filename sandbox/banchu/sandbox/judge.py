"""The judge: programs in, verdicts out, through a few warm slots and a cache."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol, Self

from banchu.core.errors import ConfigError, SandboxError
from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.core.verdict import Verdict
from banchu.sandbox.batch import Judged, look_ahead
from banchu.sandbox.isolation import parse_isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.pool import Pool
from banchu.sandbox.proving import Proof, ProvingGround
from banchu.sandbox.slot import Slot
from banchu.sandbox.trials import Trials

_CACHED = 20_000
_Key = tuple[str, bytes]


class HasSealed(Protocol):
    """A task with its sealed half, such as a benchmark's."""

    @property
    def sealed(self) -> SealedTests: ...


Sealed = SealedTests | HasSealed


class Judge:
    """Judges programs on sealed tests. The same program on the same tests is run once, however often it is asked.

    Safe to use from several tasks and threads at once; close it when done.

    Args:
        limits: of every candidate.
        slots: candidates judged at the same time; None: as many as this process has cores.
        isolation: what holds candidates, as in `isolation.py`. There is no fall to less.
        confirm: times each attempt is judged, with other random seeds; where the verdicts differ it is `flaky`.

    Raises:
        ConfigError: an unknown isolation, fewer than 1 slot, confirm below 1.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        slots: int | None = None,
        isolation: str = "namespaces",
        *,
        confirm: int = 1,
    ) -> None:
        wanted = parse_isolation(isolation)
        for name, value in (("slots", slots), ("confirm", confirm)):
            if value is not None and value < 1:
                raise ConfigError(f"{name}={value} is too few; the least is 1")
        self.limits = limits or Limits()
        self.isolation = str(wanted)
        self._slots = slots or _cores()
        permits = threading.BoundedSemaphore(self._slots)
        self._pool = Pool(Slot, wanted, self.limits, permits)
        self._grounds = Pool(ProvingGround, wanted, self.limits, permits)
        self._trials = Trials(self._pool, self.limits, confirm)
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="banchu-judge")
        self._lock = threading.Lock()
        self._verdicts: OrderedDict[_Key, Future[Verdict]] = OrderedDict()

    async def start(self) -> None:
        """Bring one slot up now instead of at the first judgement. Raises IsolationUnavailable."""
        await asyncio.wrap_future(self._threads.submit(self._pool.warm_up))

    async def judge(self, task: Sealed, code: str | None) -> Verdict:
        """The verdict on a program; None or blank is `no_answer`.

        Raises:
            IsolationUnavailable: the isolation cannot be had here.
            SandboxError: the judge itself failed, twice; or the tests cannot be run. The attempt is unjudged.
        """
        # Shielded: another caller may wait for the same verdict.
        return await asyncio.shield(asyncio.wrap_future(self._ask(task, code)))

    def judge_sync(self, task: Sealed, code: str | None) -> Verdict:
        """As `judge`, for callers without an event loop, and in the caller's own thread."""
        own: Future[Verdict] = Future()
        future = self._ask(task, code, lambda _sealed, _code: own)
        if future is own:
            self._carry_out(own, _sealed_of(task), code or "")
        return future.result()

    async def judge_many(self, pairs: Iterable[tuple[Sealed, str | None]]) -> AsyncIterator[Judged]:
        """Every (task, program) judged, in the order in which verdicts come. `pairs` is read as slots become free.

        A judgement that fails leaves its own attempt unjudged. Raises IsolationUnavailable.
        """
        waiting: dict[Future[Verdict], list[int]] = {}
        ahead = look_ahead(pairs, self._ask, waiting, self._slots)
        while next(ahead):
            await asyncio.wait([asyncio.wrap_future(future) for future in waiting], return_when=FIRST_COMPLETED)
            for judged in Judged.done(waiting):
                yield judged

    def judge_many_sync(self, pairs: Iterable[tuple[Sealed, str | None]]) -> Iterator[Judged]:
        """As `judge_many`, for callers without an event loop."""
        waiting: dict[Future[Verdict], list[int]] = {}
        ahead = look_ahead(pairs, self._ask, waiting, self._slots)
        while next(ahead):
            wait(waiting, return_when=FIRST_COMPLETED)
            yield from Judged.done(waiting)

    async def prove(self, tests: TestSuite, code: str) -> Proof:
        """How a program does on tests that nobody vouches for, such as a model's own. No sealed test has a part in it.

        Raises IsolationUnavailable, SandboxError.
        """
        return await asyncio.wrap_future(self._prove(tests, code))

    def prove_sync(self, tests: TestSuite, code: str) -> Proof:
        """As `prove`, for callers without an event loop."""
        return self._prove(tests, code).result()

    def close(self) -> None:
        """Wait for judgements under way, end the slots' processes. Idempotent."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()
        self._grounds.close()

    async def aclose(self) -> None:
        """As `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _ask(
        self, task: Sealed, code: str | None, begin: Callable[[SealedTests, str], Future[Verdict]] | None = None
    ) -> Future[Verdict]:
        """`begin` is called where nobody has asked for this verdict yet."""
        sealed = _sealed_of(task)
        if code is None or not code.strip():
            nothing: Future[Verdict] = Future()
            nothing.set_result(Verdict("no_answer", isolation=self.isolation))
            return nothing
        # Limits, isolation and the number of trials are this judge's own, the same for every key.
        key = (sealed.digest, hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest())
        with self._lock:
            future = self._verdicts.get(key)
            if future is None or (future.done() and (future.cancelled() or future.exception() is not None)):
                future = (begin or self._submit)(sealed, code)
                self._verdicts[key] = future
            self._verdicts.move_to_end(key)
            while len(self._verdicts) > _CACHED:
                self._verdicts.popitem(last=False)
            return future

    def _prove(self, tests: TestSuite, code: str) -> Future[Proof]:
        return self._threads.submit(self._grounds.use, lambda ground: ground.prove(tests, code))

    def _carry_out(self, future: Future[Verdict], sealed: SealedTests, code: str) -> None:
        """Here and now, which spares two wake-ups. Others may wait for the same future: they hear of it in any case."""
        future.set_running_or_notify_cancel()
        try:
            future.set_result(self._trials.verdict(unseal(sealed), sealed.digest, code))
        except Exception as error:
            future.set_exception(error)
            raise
        except BaseException:  # such as Ctrl-C, which is this caller's alone
            future.set_exception(SandboxError("the judgement was interrupted; ask again"))
            raise

    def _submit(self, sealed: SealedTests, code: str) -> Future[Verdict]:
        try:
            return self._threads.submit(self._trials.verdict, unseal(sealed), sealed.digest, code)
        except RuntimeError:
            raise SandboxError("the judge is closed; open another") from None


def _sealed_of(task: Sealed) -> SealedTests:
    return task if isinstance(task, SealedTests) else task.sealed


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
