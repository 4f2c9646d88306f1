"""What `banchu judge` shows: a bar while it judges, then tasks, verdicts and pass@k."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from banchu.analysis.layout import bounds
from banchu.analysis.reading import percent
from banchu.analysis.samples import SampleSummary, TaskSamples, summarise_samples
from banchu.cli.bar import Bar, clock
from banchu.cli.output import print_json, print_table
from banchu.core.verdict import Verdict, VerdictKind
from banchu.experiments.judging import judge_samples

if TYPE_CHECKING:
    from banchu.benchmarks import Benchmark
    from banchu.experiments.samples import Sample, Samples
    from banchu.experiments.verdict_file import Finding, VerdictFile
    from banchu.sandbox import Judge

_ROWS = 40
"""Of the table of tasks; the rest is in the file of verdicts."""
_NAMED = 8
"""Tasks without samples that are listed by name."""


@dataclass
class Session:
    """One command."""

    benchmark: Benchmark
    """The tasks that were asked for."""
    samples: Samples
    judge: Judge
    verdicts: VerdictFile
    ks: list[int]

    @property
    def wanted(self) -> list[Sample]:
        """The samples of those tasks."""
        ids = set(self.benchmark.ids)
        return [sample for sample in self.samples.all if sample.task_id in ids]

    @property
    def known(self) -> list[Finding]:
        """What has been found of them."""
        found = self.verdicts.findings
        return [found[sample.line] for sample in self.wanted if sample.line in found]

    @property
    def reused(self) -> int:
        """How many of those an earlier command found."""
        return sum(finding.sample.line in self.verdicts.earlier for finding in self.known)


class _JudgingBar(Bar):
    def __init__(self, total: int, already: int) -> None:
        super().__init__()
        self._total, self._already = total, already
        self._begun = time.monotonic()
        self._kinds: Counter[VerdictKind | str] = Counter()

    def found(self, verdict: Verdict | None) -> None:
        self._kinds[verdict.kind if verdict else "unjudged"] += 1
        self.show()

    def parts(self) -> tuple[int, int]:
        return self._already + self._kinds.total(), self._total

    def line(self) -> str:
        done, total = self.parts()
        parts = [f"samples {done}/{total}", *(f"{kind} {count}" for kind, count in self._kinds.most_common())]
        if judged := self._kinds.total():
            a_second = judged / max(time.monotonic() - self._begun, 1e-3)
            parts += [f"{a_second:.0f}/s", f"{clock((total - done) / a_second)} left"]
        return " · ".join(parts)


def drive(session: Session, *, as_json: bool) -> None:
    """Judge to the end or to Ctrl-C, then print what there is. Exits 1 when some are unjudged, 130 when interrupted."""
    begun = time.monotonic()
    judge_all(session)
    summary = _report(session, time.monotonic() - begun, as_json=as_json)
    end_if_interrupted(session)
    if summary.unjudged:
        raise typer.Exit(1)


def judge_all(session: Session) -> None:
    """Judge what has no verdict yet, to the end or to Ctrl-C."""
    with _JudgingBar(len(session.wanted), len(session.known)) as bar:
        for note in session.samples.notes:
            bar.notice(note)
        if session.verdicts.path is None:
            bar.notice("no file of verdicts is kept for stdin; --out names one")
        with until_interrupted(bar) as stop:
            for finding in judge_samples(session.wanted, session.benchmark, session.judge, session.verdicts, stop=stop):
                bar.found(finding.verdict)


def end_if_interrupted(session: Session) -> None:
    """Exits 130 where samples are left."""
    if left := len(session.wanted) - len(session.known):
        print(f"interrupted: {left} samples to go; the same command goes on", file=sys.stderr)
        raise typer.Exit(130)


@contextmanager
def until_interrupted(bar: Bar) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed. A second one ends the process."""
    interrupted = False

    def on_interrupt(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            # Every verdict is in the file already; the cells end when this process has gone.
            os._exit(130)
        interrupted = True
        bar.notice("stopping: what is under way is finished and kept; Ctrl-C again stops at once")

    before = {number: signal.signal(number, on_interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(session: Session, wall_s: float, *, as_json: bool) -> SampleSummary:
    findings = session.known
    kinds = [(f.sample.task_id, f.verdict.kind if f.verdict else None) for f in findings]
    summary = summarise_samples(kinds, session.benchmark.ids, session.ks)
    if as_json:
        print_json({**_about(session, wall_s), **summary.to_json()})
        return summary
    _print_tasks(summary)
    for line in _lines(session, summary, wall_s):
        print(line)
    return summary


def _about(session: Session, wall_s: float) -> dict[str, Any]:
    findings = session.known
    return {
        "samples": session.samples.label,
        "benchmark": session.benchmark.name,
        "benchmark_tasks": len(session.benchmark.tasks),
        "verdicts": None if session.verdicts.path is None else str(session.verdicts.path),
        "samples_wanted": len(session.wanted),
        "samples_left_out": len(session.samples.all) - len(session.wanted),
        "repeated": session.samples.repeated,
        "reused": session.reused,
        "isolation": session.judge.isolation,
        "cpu_s": round(sum(f.verdict.cpu_s for f in findings if f.verdict), 3),
        "wall_s": round(wall_s, 3),
        "notes": list(session.samples.notes),
        "errors": _errors(findings),
    }


def _print_tasks(summary: SampleSummary) -> None:
    """The tasks where something did not pass."""
    rows = [task for task in summary.tasks if task.passed < task.judged or task.unjudged]
    if rows:
        print_table(
            ("task", "samples", "passed", "verdicts"),
            [(task.task_id, task.judged + task.unjudged, task.passed, _kinds(task)) for task in rows[:_ROWS]],
            title="Tasks with samples that did not pass",
        )
    if len(rows) > _ROWS:
        print(f"and {len(rows) - _ROWS} more such tasks")
    if whole := len(summary.tasks) - len(rows):
        print(f"every sample passed: {whole} {'task' if whole == 1 else 'tasks'}")


def _kinds(task: TaskSamples) -> str:
    counts = [*task.kinds.items(), *([("unjudged", task.unjudged)] if task.unjudged else [])]
    return ", ".join(f"{kind} {count}" for kind, count in counts if kind != "passed")


def _lines(session: Session, summary: SampleSummary, wall_s: float) -> list[str]:
    tasks, total = len(summary.tasks), len(summary.tasks) + len(summary.missing)
    lines = []
    for each in summary.pass_at_k:
        interval = f"95 %: {bounds(each.interval)}"
        lines.append(f"pass@{each.k:<4}{percent(each.estimate):>8}  ({interval}) over {each.tasks} of {total} tasks")
    if summary.left_out and summary.least:
        ks = ", ".join(f"pass@{k}" for k in summary.left_out)
        lines.append(f"left out: {ks}; every task would need as many samples, and one has {summary.least}")
    if summary.missing:
        named = ", ".join(summary.missing[:_NAMED])
        more = f" and {len(summary.missing) - _NAMED} more" if len(summary.missing) > _NAMED else ""
        lines.append(f"no samples: {len(summary.missing)} of {total} tasks ({named}{more})")
        if summary.over_all is not None:
            lines.append(f"pass@1 with those counted as failed: {percent(summary.over_all)}")
    verdicts = ", ".join(f"{kind} {count}" for kind, count in summary.kinds.items()) or "none"
    lines.append(f"verdicts: {verdicts}, of {summary.judged} samples on {tasks} tasks")
    findings = session.known
    if summary.unjudged:
        again = "the same command tries them again" if session.verdicts.path else "try again"
        lines.append(f"unjudged, and in no average: {summary.unjudged}; {again}")
        lines += [f"  {count} x {error}" for error, count in _errors(findings).items()]
    if broken := sum(_is_no_python(f.verdict) for f in findings):
        lines.append(f"{broken} programs are not Python (SyntaxError); {_NOT_PYTHON}")
    if session.samples.repeated:
        lines.append(f"{session.samples.repeated} samples repeat another one of their task; each is counted")
    if reused := session.reused:
        lines.append(f"{reused} verdicts were in the file already; --fresh judges all again")
    cpu_s = sum(f.verdict.cpu_s for f in findings if f.verdict)
    lines.append(f"isolation {session.judge.isolation}, {cpu_s:.1f} s CPU of candidates, {wall_s:.1f} s wall")
    if session.verdicts.path:
        lines.append(f"verdicts: {session.verdicts.path}")
    return lines


_NOT_PYTHON = "where prose or a fence surrounds the code, --extract reads it"


def _errors(findings: list[Finding]) -> dict[str, int]:
    return dict(Counter(f.error for f in findings if f.verdict is None).most_common(3))


def _is_no_python(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.error.startswith(("SyntaxError", "IndentationError", "TabError"))
