"""Sealed tests without meaning, for the non-interference test.

If an arm's prompts, stops or choices depended on the sealed tests in any way, replacing them would change its
trajectories. Only tests and audits call this.
"""

from __future__ import annotations

import dataclasses

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.core.sealed import SealedTests, TestSuite


def with_garbage_tests(benchmark: Benchmark) -> Benchmark:
    """The same public tasks with unrelated sealed tests, which no honest answer passes.

    A suite is consistent in itself (its reference passes its check), so a judge that calibrates on it still works.
    """
    return dataclasses.replace(
        benchmark, tasks=tuple(dataclasses.replace(each, sealed=_garbage(each)) for each in benchmark.tasks)
    )


def _garbage(each: BenchmarkTask) -> SealedTests:
    answer = f"garbage for {each.task.id}"
    return SealedTests(
        TestSuite(
            check=f"def check(candidate):\n    assert candidate('garbage', 'in') == {answer!r}\n",
            entry_point=each.task.entry_point,
            context="",
            reference=f"def {each.task.entry_point}(*_):\n    return {answer!r}\n",
        )
    )
