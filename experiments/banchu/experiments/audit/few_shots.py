"""Few-shots that were taken from the benchmark: what a model was shown, searched for its tasks."""

from __future__ import annotations

from typing import Final

from banchu.benchmarks import Benchmark
from banchu.benchmarks.overlap import overlaps
from banchu.experiments.audit.log import Log
from banchu.experiments.audit.misfits import Misfit

_ODD: Final = 0.5
"""From this share of a task's docstring or hidden tests on; tasks of one family share less by chance."""


def overlapping(log: Log, benchmark: Benchmark, shown: str) -> list[Misfit]:
    """What the texts of the log, and `shown`, have in common with tasks of the benchmark."""
    texts = dict.fromkeys([shown, *(text for entry in log.entries for text in entry.row.few_shots)])
    found = [overlap for text in texts if text.strip() for overlap in overlaps(text, benchmark)]
    if not found:
        return []
    odd = [overlap for overlap in found if overlap.share >= _ODD]
    tasks = tuple(dict.fromkeys(overlap.task_id for overlap in odd or found))
    most = max(found, key=lambda overlap: (overlap.share, overlap.part == "sealed"))
    part = "hidden tests" if most.part == "sealed" else "docstring"
    return [
        Misfit(
            "few-shot-from-benchmark",
            f"what the model was shown overlaps {len(tasks)} {'task' if len(tasks) == 1 else 'tasks'} of "
            f"{benchmark.name}; most: {100 * most.share:.0f} % of the {part} of {most.task_id}, "
            f"{most.longest} tokens in a row",
            tasks,
            odd=bool(odd),
        )
    ]
