"""A part of a benchmark, by task id and by number."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence

from banchu.benchmarks.benchmark import Benchmark
from banchu.core.errors import ConfigError


def select(benchmark: Benchmark, ids: Sequence[str] | None = None, limit: int | None = None) -> Benchmark:
    """The tasks named by `ids` (None: all), then the first `limit` of them (None: all), in the benchmark's order.

    An id may be written in full, in any case, or as its last part: `HumanEval/3`, `humaneval/3` and `3` are the same.

    Raises:
        ConfigError: an unknown or ambiguous id, no id at all, or a limit below 1.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"limit {limit} leaves no task; use at least 1, or leave it out for all {len(benchmark.ids)}")
    tasks = benchmark.tasks
    if ids is not None:
        wanted = {find_task(benchmark, each) for each in ids}
        if not wanted:
            raise ConfigError(f"no task of {benchmark.name} is named; leave the ids out for all {len(tasks)}")
        tasks = tuple(each for each in tasks if each.task.id in wanted)
    return dataclasses.replace(benchmark, tasks=tasks[:limit])


def find_task(benchmark: Benchmark, text: str) -> str:
    """The id that `text` means. Raises ConfigError where it means none, or several."""
    wanted = text.strip().lower()
    last_part = wanted.removeprefix(f"{benchmark.name.lower()}/")
    for found in (
        [each for each in benchmark.ids if each == text.strip()],
        [each for each in benchmark.ids if each.lower() == wanted],
        [each for each in benchmark.ids if each.lower().rpartition("/")[2] == last_part],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(f"task {text!r} of {benchmark.name} may be {' or '.join(found[:3])}; write it in full")
    folded = {each.lower(): each for each in benchmark.ids}
    near = difflib.get_close_matches(wanted, folded, n=3, cutoff=0.5) or list(folded)[:3]
    raise ConfigError(
        f"unknown task {text!r} in {benchmark.name} ({len(benchmark.ids)} tasks). "
        f"Nearest: {', '.join(folded[each] for each in near)}. `banchu tasks {benchmark.name}` lists all."
    )
