"""Judged samples from elsewhere in figures: pass@k over the tasks that have samples, and what that leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from banchu.analysis.passk import PassAtK, mean_pass_at_k
from banchu.core.verdict import VERDICT_KINDS, VerdictKind


@dataclass(frozen=True, slots=True)
class TaskSamples:
    """The samples of one task."""

    task_id: str
    kinds: dict[VerdictKind, int]
    """Verdicts, those that occurred."""
    unjudged: int

    @property
    def judged(self) -> int:
        return sum(self.kinds.values())

    @property
    def passed(self) -> int:
        return self.kinds.get("passed", 0)


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """All samples of one file."""

    tasks: tuple[TaskSamples, ...]
    """Those with samples, in the benchmark's order."""
    missing: tuple[str, ...]
    """Tasks of the benchmark without a sample."""
    pass_at_k: tuple[PassAtK, ...]
    """Over the tasks with a judged sample. Only k up to `least`."""
    left_out: tuple[int, ...]
    """Each k that was asked for and is greater than `least`."""
    least: int
    """Judged samples of the task that has the fewest, of those that have any."""
    over_all: float | None
    """pass@1 with a missing task counted as failed; None when nothing was judged."""

    @property
    def judged(self) -> int:
        return sum(task.judged for task in self.tasks)

    @property
    def unjudged(self) -> int:
        return sum(task.unjudged for task in self.tasks)

    @property
    def kinds(self) -> dict[VerdictKind, int]:
        """Verdicts of all tasks, in the order in which kinds are always named."""
        total: Counter[VerdictKind] = Counter()
        for task in self.tasks:
            total.update(task.kinds)
        return {kind: total[kind] for kind in VERDICT_KINDS if total[kind]}

    def to_json(self) -> dict[str, Any]:
        return {
            "pass_at_k": [asdict(each) for each in self.pass_at_k],
            "pass_at_k_left_out": list(self.left_out),
            "pass_at_1_missing_as_failed": self.over_all,
            "least_samples": self.least,
            "tasks_with_samples": len(self.tasks),
            "tasks_without_samples": list(self.missing),
            "judged": self.judged,
            "unjudged": self.unjudged,
            "kinds": self.kinds,
            "tasks": {
                task.task_id: {
                    "judged": task.judged,
                    "passed": task.passed,
                    "unjudged": task.unjudged,
                    "kinds": task.kinds,
                }
                for task in self.tasks
            },
        }


def summarise_samples(
    found: Iterable[tuple[str, VerdictKind | None]], task_ids: Sequence[str], ks: Sequence[int] = (1, 10, 100)
) -> SampleSummary:
    """Figures from (task id, verdict) of each sample; None is unjudged: counted, and no part of any average.

    Args:
        task_ids: of the benchmark, all that should have samples.
        ks: for pass@k, each at least 1; those beyond the samples of the poorest task are left out for all.
    """
    verdicts: dict[str, list[VerdictKind | None]] = {}
    for task_id, kind in found:
        verdicts.setdefault(task_id, []).append(kind)
    tasks = tuple(_of_task(task_id, verdicts[task_id]) for task_id in task_ids if task_id in verdicts)
    counts = [(task.judged, task.passed) for task in tasks if task.judged]
    least = min((judged for judged, _ in counts), default=0)
    wanted = sorted(set(ks))
    first = mean_pass_at_k(counts, 1).estimate
    missing = tuple(task_id for task_id in task_ids if task_id not in verdicts)
    return SampleSummary(
        tasks=tasks,
        missing=missing,
        pass_at_k=tuple(mean_pass_at_k(counts, k) for k in wanted if k <= least),
        left_out=tuple(k for k in wanted if k > least),
        least=least,
        over_all=None if first is None else first * len(counts) / (len(counts) + len(missing)),
    )


def _of_task(task_id: str, kinds: list[VerdictKind | None]) -> TaskSamples:
    counts = Counter(kind for kind in kinds if kind is not None)
    return TaskSamples(task_id, dict(counts.most_common()), kinds.count(None))
