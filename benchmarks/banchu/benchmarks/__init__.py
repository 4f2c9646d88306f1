"""Benchmarks: problems in, each as a public task and sealed tests."""

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.benchmarks.overlap import Overlap, overlaps
from banchu.benchmarks.registry import BENCHMARKS, load_benchmark
from banchu.benchmarks.scan import SealedScan
from banchu.benchmarks.selection import select

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "BenchmarkTask",
    "Overlap",
    "SealedScan",
    "load_benchmark",
    "overlaps",
    "select",
    "with_garbage_tests",
]
