"""From what a user writes to a benchmark: a known name, `mbpp:FILE`, or a path to a file in HumanEval's format.

`easy` and `mbpp` take options, written as an arm's: `easy+split=train`, `mbpp+visible=3:FILE`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

from banchu.benchmarks.benchmark import Benchmark
from banchu.benchmarks.easy import load_easy
from banchu.benchmarks.humaneval import load_humaneval
from banchu.benchmarks.jsonl import load_file
from banchu.benchmarks.mbpp import load_mbpp
from banchu.core.errors import unknown
from banchu.core.paths import user_path

_NAMED: Final[dict[str, Callable[[], Benchmark]]] = {"easy": load_easy, "humaneval": load_humaneval}
_SUFFIXES: Final = (".jsonl", ".jsonl.gz")
_EASY: Final = re.compile(r"easy\+[^:/]*", re.IGNORECASE)
_MBPP: Final = re.compile(r"mbpp(\+[^:]*)?(:|$)", re.IGNORECASE)

BENCHMARKS: Final[tuple[str, ...]] = tuple(_NAMED)
"""The names that `load_benchmark` knows; anything else must be a file."""


def load_benchmark(spec: str) -> Benchmark:
    """The benchmark named `spec` (any case), MBPP from the file in `mbpp:FILE`, or the `.jsonl`(`.gz`) at that path.

    Raises:
        ConfigError: neither a known name nor such a path.
        DataError: the file is missing, altered or not in its format.
    """
    if loader := _NAMED.get(spec.lower()):
        return loader()
    if _EASY.fullmatch(spec):
        return load_easy(spec.lower())
    if _MBPP.match(spec):
        return load_mbpp(spec)
    if spec.lower().endswith(_SUFFIXES):
        return load_file(user_path(spec))
    hint = "A file of your own is a path that ends in .jsonl or .jsonl.gz; MBPP is mbpp:FILE."
    if os.sep in spec:
        hint = "A path must end in .jsonl or .jsonl.gz and hold tasks in HumanEval's format."
    raise unknown("benchmark", spec, BENCHMARKS, hint=hint)
