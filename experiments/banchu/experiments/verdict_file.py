"""Verdicts on samples in a file: one JSON object a line, written as it is found, and read again to go on.

Each line says what was judged (task, program, line of the input) and how (benchmark, limits, isolation, versions), so
a line needs no other to be understood. A verdict is used again only for the same program judged the same way. A line
that a killed process left half written, and those of samples that stayed unjudged, are dropped when the file is next
opened for writing.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from banchu.core.errors import DataError, StorageError
from banchu.core.verdict import VERDICT_KINDS, Verdict
from banchu.experiments.journal import storable
from banchu.experiments.samples import Sample, Samples

_REMEDY: Final = "--fresh starts it over, --out writes elsewhere"
_BEGIN: Final = b'{"task_id": '
_SHOWN: Final = ("assertion", "expected", "actual", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one sample."""

    sample: Sample
    verdict: Verdict | None
    """None: unjudged, because the judge itself failed."""
    error: str = ""
    """Why it is unjudged."""

    def to_json(self, how: dict[str, Any]) -> dict[str, Any]:
        """The line of the file; `verdict` and `passed` are null for what is unjudged."""
        verdict, sample = self.verdict, self.sample
        judged: dict[str, Any] = {"passed": None, "verdict": None, "error": storable(self.error)}
        if verdict:
            judged = {"passed": verdict.passed, "verdict": verdict.kind}
            judged |= {"tests_passed": verdict.tests_passed, "tests_total": verdict.tests_total}
            judged |= {name: storable(getattr(verdict, name)) for name in _SHOWN}
            judged |= {"cpu_s": round(verdict.cpu_s, 6), "wall_s": round(verdict.wall_s, 6)}
            judged |= {"isolation": verdict.isolation}
        return {
            "task_id": sample.task_id,
            "sample": sample.number,
            "line": sample.line,
            **judged,
            "code_sha256": sample.sha,
            "judge": how,
        }


class VerdictFile:
    """The file, held by one process at a time. Without a path it keeps everything in memory only.

    Args:
        path: of the file; None: none.
        how: everything beside the program that may change a verdict. Verdicts found in another way are not mixed in.
        samples: those that the file is about.
        fresh: forget what the file holds.

    Raises:
        DataError: the file holds something else, or verdicts on other samples or found in another way.
        StorageError: it cannot be written, or another process writes it.
    """

    def __init__(self, path: Path | None, how: dict[str, Any], samples: Samples, *, fresh: bool = False) -> None:
        self.path = path
        self._how: dict[str, Any] = json.loads(json.dumps(how))
        self._samples = samples
        self._file: FileIO | None = None
        self.findings: dict[int, Finding] = {}
        """By line of the input."""
        self.earlier: frozenset[int] = frozenset()
        """Lines whose findings were there already."""
        if path is None:
            return
        self._file = self._opened(path)
        try:
            kept, whole = self._read(fresh)
            self._match(kept)
            written = [(row["line"], row["task_id"], row["code_sha256"]) for row in kept]
            known = [(line, f.sample.task_id, f.sample.sha) for line, f in self.findings.items()]
            if not whole or sorted(written) != sorted(known):
                self._rewrite(path)
        except BaseException:
            self._file.close()
            raise
        self.earlier = frozenset(self.findings)

    def add(self, finding: Finding) -> None:
        """Keep one finding. Raises StorageError."""
        self.findings[finding.sample.line] = finding
        rest = self._line(finding) if self._file else b""
        try:
            while self._file and rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._refused(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def _opened(self, path: Path) -> FileIO:
        try:
            file = path.open("a+b", buffering=0)  # what a full disk refuses must not wait in a buffer
        except OSError as error:
            raise self._refused(error) from None
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise StorageError(
                f"{str(path)!r} is no ordinary file, and cannot be gone on with; name another with --out"
            )
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StorageError(
                f"{str(path)!r} is being written by another process; wait for it, or use --out"
            ) from None
        file.seek(0)
        return file

    def _read(self, fresh: bool) -> tuple[list[dict[str, Any]], bool]:
        """(the judged lines, whether they are all that the file holds)."""
        assert self._file
        lines = self._file.read().split(b"\n")
        torn = lines.pop()
        if torn and (_is_json(torn) or not torn.startswith(_BEGIN[: len(torn)])):
            self._row(torn, len(lines) + 1)  # whole, or somebody else's
        rows = [self._row(line, number) for number, line in enumerate(lines, start=1)]
        if fresh:
            return [], not (rows or torn)
        judged = [row for row in rows if row["verdict"] is not None]
        for row in judged:
            if changed := _differences(row["judge"], self._how):
                raise DataError(f"{self._label} holds verdicts found in another way ({'; '.join(changed)}); {_REMEDY}")
        return judged, not torn and len(judged) == len(rows)

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
            fits = isinstance(row["judge"], dict) and isinstance(row["task_id"], str) and row["code_sha256"] is not None
            fits = fits and (row["verdict"] is None or row["verdict"] in VERDICT_KINDS)
        except (ValueError, TypeError, KeyError, RecursionError):
            fits = False
        if not fits:
            raise DataError(
                f"{self._label}, line {number}: is no verdict of `banchu judge`, and is left as it is; "
                f"name another file with --out"
            )
        found: dict[str, Any] = row
        return found

    def _match(self, rows: list[dict[str, Any]]) -> None:
        """Give each verdict to the samples of that program; lines of the input may have moved since."""
        known = {(row["task_id"], row["code_sha256"]): row for row in rows}
        there = {(sample.task_id, sample.sha) for sample in self._samples.all}
        if strange := sum(key not in there for key in known):
            raise DataError(
                f"{self._label} holds verdicts on {strange} programs that {self._samples.label}, as it is read now, "
                f"does not hold; {_REMEDY}"
            )
        for sample in self._samples.all:
            if row := known.get((sample.task_id, sample.sha)):
                self.findings[sample.line] = Finding(sample, _verdict(row))

    def _rewrite(self, path: Path) -> None:
        """Replace the file by what is known, in one step, so that no moment has less."""
        new = path.with_name(f"{path.name}.new")
        try:
            with new.open("wb") as file:
                file.writelines(self._line(finding) for finding in self.findings.values())
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            raise self._refused(error) from None
        assert self._file
        self._file.close()
        self._file = self._opened(path)

    def _line(self, finding: Finding) -> bytes:
        return json.dumps(finding.to_json(self._how), ensure_ascii=False).encode() + b"\n"

    @property
    def _label(self) -> str:
        return str(self.path)

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._label}: cannot be written ({error.strerror or error}); make room or name another with --out"
        )


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _verdict(row: dict[str, Any]) -> Verdict:
    names = ("tests_passed", "tests_total", *_SHOWN, "cpu_s", "wall_s", "isolation")
    return Verdict(row["verdict"], **{name: row[name] for name in names if name in row})


def _differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    then, now = _flat(then), _flat(now)
    return [
        f"{key}: {json.dumps(then.get(key))} then, {json.dumps(now.get(key))} now"
        for key in {**then, **now}
        if then.get(key) != now.get(key)
    ]


def _flat(way: dict[str, Any]) -> dict[str, Any]:
    """With each limit as a key of its own."""
    limits = way.get("limits")
    return {**way, "limits": None, **(limits if isinstance(limits, dict) else {})}
