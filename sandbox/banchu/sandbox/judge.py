"""The judge: programs in, verdicts out, through a few warm slots and a cache."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from banchu.core.errors import ConfigError, SandboxError, unknown
from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.core.verdict import Verdict
from banchu.sandbox.limits import Limits
from banchu.sandbox.pool import SlotPool
from banchu.sandbox.process import Failed
from banchu.sandbox.verdicts import TIER

_TIERS = (TIER,)
_CACHED = 20_000
_Key = tuple[str, str, Limits]


class Judge:
    """Judges programs on sealed tests. The same program, tests and limits are run once, however often it is asked.

    Safe to use from several tasks and threads at once; close it when done.

    Args:
        limits: of every candidate.
        slots: candidates judged at the same time; None: as many as this process has cores.
        isolation: the tier wanted. There is no fall to a lesser one.

    Raises:
        ConfigError: an unknown tier, or fewer than 1 slot.
    """

    def __init__(self, limits: Limits | None = None, slots: int | None = None, isolation: str = TIER) -> None:
        if isolation not in _TIERS:
            raise unknown("isolation", isolation, _TIERS)
        if slots is not None and slots < 1:
            raise ConfigError(f"slots={slots} is too few; the least is 1")
        self.limits = limits or Limits()
        self.isolation = isolation
        count = slots or _cores()
        self._pool = SlotPool()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="banchu-judge")
        self._lock = threading.Lock()
        self._verdicts: OrderedDict[_Key, Future[Verdict]] = OrderedDict()

    async def start(self) -> None:
        """Bring one slot up now instead of at the first judgement. Raises IsolationUnavailable."""
        await asyncio.wrap_future(self._threads.submit(self._pool.warm_up))

    async def judge(self, sealed: SealedTests, code: str | None) -> Verdict:
        """The verdict on a program; None or blank is `no_answer`.

        Raises:
            IsolationUnavailable: the kernel refuses the tier.
            SandboxError: the judge itself failed, twice; or the tests cannot be run. The attempt is unjudged.
        """
        # Shielded: another caller may wait for the same verdict.
        return await asyncio.shield(asyncio.wrap_future(self._ask(sealed, code)))

    def judge_sync(self, sealed: SealedTests, code: str | None) -> Verdict:
        """As `judge`, for callers without an event loop."""
        return self._ask(sealed, code).result()

    def close(self) -> None:
        """Wait for judgements under way, end the slots' processes. Idempotent."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    async def aclose(self) -> None:
        """As `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _ask(self, sealed: SealedTests, code: str | None) -> Future[Verdict]:
        if code is None or not code.strip():
            nothing: Future[Verdict] = Future()
            nothing.set_result(Verdict("no_answer", isolation=self.isolation))
            return nothing
        key = (sealed.digest, code, self.limits)
        with self._lock:
            future = self._verdicts.get(key)
            if future is None or (future.done() and (future.cancelled() or future.exception() is not None)):
                future = self._threads.submit(self._run, unseal(sealed), code)
                self._verdicts[key] = future
            self._verdicts.move_to_end(key)
            while len(self._verdicts) > _CACHED:
                self._verdicts.popitem(last=False)
            return future

    def _run(self, suite: TestSuite, code: str) -> Verdict:
        """One judgement; a judge that fails tries once more on a fresh slot."""
        for last in (False, True):
            slot = self._pool.take()
            try:
                verdict = slot.judge(suite, code, self.limits)
            except Failed as failed:
                self._pool.discard(slot)
                if last:
                    raise SandboxError(f"the judge failed twice on one attempt, it is unjudged: {failed}") from failed
            except BaseException:
                self._pool.give_back(slot)
                raise
            else:
                self._pool.give_back(slot)
                return verdict
        raise AssertionError("unreachable")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
