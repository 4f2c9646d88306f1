"""One attempt, judged as often as it takes: again after a failure of the judge, after a time-out, to confirm."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

from banchu.core.sealed import TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox.limits import Limits
from banchu.sandbox.pool import Pool
from banchu.sandbox.slot import Slot

_REFERENCE_CPU_S = 120.0
_REFERENCE_WALL_S = 300.0


class Trials:
    """Thread-safe.

    Args:
        pool: slots to judge in.
        limits: of the first trial of every attempt.
        confirm: trials whose verdicts must agree.
    """

    def __init__(self, pool: Pool[Slot], limits: Limits, confirm: int) -> None:
        self._pool = pool
        self._limits = limits
        self._confirm = confirm
        self._one_at_a_time = threading.Lock()
        self._scaled: dict[str, Limits] = {}

    def verdict(self, suite: TestSuite, digest: str, code: str) -> Verdict:
        """The verdict on a program. Raises SandboxError, IsolationUnavailable.

        `digest` names the tests, whose reference solution is timed once.
        """
        first = self._patient(suite, digest, code, seed=0)
        if self._confirm == 1:
            return first
        others = [self._patient(suite, digest, code, seed) for seed in range(1, self._confirm)]
        kinds = Counter(verdict.kind for verdict in (first, *others))
        if len(kinds) == 1:
            return first
        said = ", ".join(f"{kind} {count} x" for kind, count in kinds.most_common())
        failed = next(verdict for verdict in (first, *others) if not verdict.passed)
        return replace(failed, kind="flaky", error=f"judged {self._confirm} times: {said}\n{failed.error}".strip())

    def _patient(self, suite: TestSuite, digest: str, code: str, seed: int) -> Verdict:
        """A time-out is tried once more, beside no other second try, with the time that the reference calls for."""
        verdict = self._once(suite, code, self._limits, seed)
        if verdict.kind != "timed_out":
            return verdict
        with self._one_at_a_time:
            return self._once(suite, code, self._scaled_limits(suite, digest), seed, stepwise=True)

    def _scaled_limits(self, suite: TestSuite, digest: str) -> Limits:
        """Measured only where it matters: a candidate that ends in time would have ended under wider limits too."""
        if digest not in self._scaled:
            self._scaled[digest] = self._limits
            if suite.reference:
                generous = replace(self._limits, cpu_s=_REFERENCE_CPU_S, wall_s=_REFERENCE_WALL_S)
                reference = self._once(suite, suite.reference, generous, seed=0)
                if reference.passed:
                    self._scaled[digest] = self._limits.scaled(reference.cpu_s)
        return self._scaled[digest]

    def _once(self, suite: TestSuite, code: str, limits: Limits, seed: int, *, stepwise: bool = False) -> Verdict:
        return self._pool.use(lambda slot: slot.judge(suite, code, limits, seed, stepwise=stepwise))
