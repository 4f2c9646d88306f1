"""Judging samples: each once, each verdict kept as it comes, and on from where an earlier command stopped."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from itertools import takewhile
from typing import Any

from banchu.benchmarks import Benchmark
from banchu.experiments.samples import Sample, sealed_pairs
from banchu.experiments.verdict_file import Finding, VerdictFile
from banchu.sandbox import Judge


def way_of_judging(benchmark: Benchmark, judge: Judge, confirm: int) -> dict[str, Any]:
    """Everything beside a program that may change its verdict."""
    return {
        "benchmark": benchmark.name.partition("+")[0],
        "benchmark_sha256": benchmark.digest,
        "isolation": judge.isolation,
        "confirm": confirm,
        "limits": asdict(judge.limits),
        "python": platform.python_version(),
        "banchu": version("banchu"),
    }


def judge_samples(
    samples: list[Sample],
    benchmark: Benchmark,
    judge: Judge,
    verdicts: VerdictFile,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Finding]:
    """Judge those of `samples` that `verdicts` does not hold yet; each finding is kept before it is given.

    Args:
        stop: asked before each sample is taken up; once it is true, those under way are finished and that is all.

    Raises:
        IsolationUnavailable: the isolation cannot be had here.
        StorageError: a finding cannot be kept.
    """
    todo = [sample for sample in samples if sample.line not in verdicts.findings]
    taken = takewhile(lambda _: not stop(), todo)
    for judged in judge.judge_many_sync(sealed_pairs(taken, benchmark)):
        finding = Finding(todo[judged.index], judged.verdict, judged.error)
        verdicts.add(finding)
        yield finding
