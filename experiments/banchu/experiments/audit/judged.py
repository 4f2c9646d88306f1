"""A log with the verdicts of the real judge beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from banchu.benchmarks import Benchmark
from banchu.core.verdict import Verdict
from banchu.experiments.audit.log import Entry, Log, LoggedAttempt
from banchu.experiments.verdict_file import Finding


@dataclass(frozen=True, slots=True)
class JudgedLog:
    """What the log says and what the judge says."""

    log: Log
    benchmark: Benchmark
    """The tasks that were asked for."""
    findings: Mapping[int, Finding]
    """By `line` of the sample. What is missing was not judged yet."""

    def verdict(self, attempt: LoggedAttempt | None) -> Verdict | None:
        """None: no attempt, or unjudged."""
        finding = self.findings.get(attempt.sample.line) if attempt else None
        return finding.verdict if finding else None

    def passed(self, attempt: LoggedAttempt | None) -> bool | None:
        """None: no attempt, or unjudged."""
        verdict = self.verdict(attempt)
        return verdict.passed if verdict else None

    @property
    def outcomes(self) -> Iterator[tuple[str, int, dict[int, bool | None]]]:
        """(task id, repeat, outcome by round) of each counted record."""
        for entry in self.log.counted:
            yield entry.task_id, entry.repeat, {each.round: self.passed(each) for each in entry.attempts}

    @property
    def first_attempts(self) -> Iterator[tuple[bool, bool | None]]:
        """(whether the loop went on, outcome of the first attempt if it is known) of each counted record."""
        for entry in self.log.counted:
            if entry.row.attempts:
                yield entry.touched, self.passed(entry.first)

    @property
    def claims(self) -> Iterator[tuple[Entry, LoggedAttempt]]:
        """Each attempt of a known task of which the log says whether it is right."""
        for entry in self.log.entries:
            for attempt in entry.attempts:
                if attempt.claimed is not None:
                    yield entry, attempt
