"""A log against a benchmark: which task each record means, and the program of each attempt."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from banchu.benchmarks import Benchmark
from banchu.benchmarks.reading import read_bytes
from banchu.benchmarks.selection import find_task
from banchu.core.errors import ConfigError, DataError
from banchu.core.task import Task
from banchu.experiments.audit.formats import AUTO, Format, read_rows
from banchu.experiments.audit.rows import Row, shown
from banchu.experiments.samples import STDIN, Form, Sample, Samples, program_of

_TRANSLATED: Final = re.compile(r"([A-Za-z]+)_(\d+)_\w+")
"""How MultiPL-E names tasks: `HumanEval_23_strlen`, `mbpp_234_volume_cube`."""


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """One attempt of a record whose task is known."""

    round: int
    text: str
    """As it stands in the log; '' for none."""
    claimed: bool | None
    sample: Sample
    """What is judged. Its `line` counts the attempts of the whole log, from 1."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log."""

    line: int
    """Of the file, or sample of an Inspect log, from 1."""
    row: Row
    task: Task | None
    """None: the benchmark has no such task."""
    repeat: int
    """Which of several independent samples of its task, from 0."""
    attempts: tuple[LoggedAttempt, ...]
    """By round; none where the log keeps no program, or the task is unknown."""

    @property
    def touched(self) -> bool:
        """Whether the loop went on after the first attempt."""
        return self.row.reflections > 0 or any(attempt.round > 0 for attempt in self.row.attempts)

    @property
    def first(self) -> LoggedAttempt | None:
        """None where the log does not hold it."""
        return self.attempts[0] if self.attempts and self.attempts[0].round == 0 else None

    @property
    def last(self) -> LoggedAttempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def claimed(self) -> bool | None:
        """What the log says of the last attempt."""
        return self.row.attempts[-1].claimed if self.row.attempts else None

    @property
    def task_id(self) -> str:
        """The benchmark's id; for an unknown task what the log writes."""
        return self.task.id if self.task else shown(self.row.name)


@dataclass(frozen=True, slots=True)
class Log:
    """All that a file holds about the tasks that were asked for."""

    label: str
    format: Format
    entries: tuple[Entry, ...]
    """In the order of the file, with unknown tasks and tasks that are there twice."""
    left_out: int = 0
    """Records of tasks that were not asked for."""

    @property
    def counted(self) -> tuple[Entry, ...]:
        """The first record of each (task, repeat): what figures are made of."""
        first: dict[tuple[str, int], Entry] = {}
        for entry in self.entries:
            if entry.task:
                first.setdefault((entry.task.id, entry.repeat), entry)
        return tuple(first.values())

    @property
    def samples(self) -> Samples:
        """Every attempt, as `judge_samples` takes them."""
        return Samples(self.label, tuple(a.sample for entry in self.entries for a in entry.attempts), ())

    def within(self, benchmark: Benchmark) -> Log:
        """The records of these tasks, and of unknown ones."""
        ids = set(benchmark.ids)
        kept = tuple(entry for entry in self.entries if entry.task is None or entry.task.id in ids)
        return replace(self, entries=kept, left_out=len(self.entries) - len(kept))


def read_log(source: str, benchmark: Benchmark, *, format: str = AUTO, replies: bool = False) -> Log:
    """A log, plain or gzipped, or from stdin for `-`.

    Args:
        benchmark: whole, so that every id it has is known.
        format: a name in FORMATS, or `auto`.
        replies: attempts are chat replies, from which programs are to be read.

    Raises:
        ConfigError: no such format.
        DataError: the file cannot be read, is no log of the format, or names no task of the benchmark.
    """
    label = "stdin" if source == STDIN else source
    data = sys.stdin.buffer.read() if source == STDIN else read_bytes(Path(source), remedy="check the path")
    found, rows = read_rows(data, label, format)
    tasks = {pair.task.id: pair.task for pair in benchmark.tasks}
    entries = tuple(_entries(rows, tasks, benchmark, found, replies))
    if not entries:
        raise DataError(f"{label}: holds no attempt; {found.expects}")
    if all(entry.task is None for entry in entries):
        named = ", ".join(dict.fromkeys(repr(entry.row.name) for entry in entries[:3]))
        raise DataError(
            f"{label}: no record names a task of {benchmark.name} (there: {named}; {benchmark.name} has "
            f"{benchmark.ids[0]!r}); choose the benchmark with --benchmark"
        )
    return Log(label, found, entries)


def _entries(
    rows: Iterator[tuple[int, Row]], tasks: Mapping[str, Task], benchmark: Benchmark, found: Format, replies: bool
) -> Iterator[Entry]:
    seen: Counter[str] = Counter()
    number = 0
    for line, row in rows:
        task_id = _task_id(row.name, benchmark)
        task = tasks[task_id] if task_id else None
        repeat = row.repeat if row.repeat is not None else seen[task.id] if task and found.samples else 0
        attempts = []
        for written in row.attempts if task else ():
            number += 1
            assert task
            text = written.text or ""
            sample = Sample(number, task.id, repeat, _program(text, task, "reply" if replies else written.form))
            attempts.append(LoggedAttempt(written.round, text, written.claimed, sample))
        if task:
            seen[task.id] += 1
        yield Entry(line, row, task, repeat, tuple(attempts))


def _task_id(name: str, benchmark: Benchmark) -> str | None:
    translated = _TRANSLATED.fullmatch(name)
    for text in (name, f"{translated[1]}/{translated[2]}" if translated else None):
        try:
            if text:
                return find_task(benchmark, text)
        except ConfigError:
            continue
    return None


def _program(text: str, task: Task, form: Form) -> str | None:
    """Nothing is no program: a prompt alone must not be judged as one."""
    if not text.strip():
        return None
    if form != "continuation":
        return program_of(text, task, form)
    if "from __future__ import" in text:
        return text  # stands only at the top
    return program_of(text if task.prompt.endswith("\n") else f"\n{text}", task, form)
