"""The formats of logs: how each is recognised, read and called, and what its system says gates its loop.

Samples: human-eval's `samples.jsonl` (openai/human-eval, human_eval/evaluate_functional_correctness.py, which adds
`passed` to its results) and EvalPlus' (evalplus/evalplus, `solution`), in which lines of one task are independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from banchu.benchmarks.reading import decoded, json_line
from banchu.core.errors import DataError, unknown
from banchu.experiments.audit import inspect_log, loops
from banchu.experiments.audit.rows import Fields, Row, Written, shown

Gate = Literal["self_tests", "visible_tests", "oracle"]
"""What decides whether an attempt is left alone: the model's own tests, the prompt's examples, the sealed tests."""
AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of log."""

    name: str
    expects: str
    """Its fields, for errors."""
    fits: Callable[[dict[str, Any]], bool]
    """Whether a first record looks like it."""
    read: Callable[[Fields], Row]
    gate: Gate | None = None
    """What its authors say gates the loop; None: nothing, or it is for the log's owner to say."""
    samples: bool = False
    """Several records of a task are independent samples, not a mistake."""


def _read_completion(fields: Fields) -> Row:
    written = Written(0, fields.text("completion"), fields.flag("passed"))
    return Row(fields.text("task_id"), (written,))


def _read_solution(fields: Fields) -> Row:
    return Row(fields.text("task_id"), (Written(0, fields.text("solution"), fields.flag("passed"), "program"),))


def _has(*fields: str) -> Callable[[dict[str, Any]], bool]:
    return lambda row: all(field in row for field in fields)


_ALL: Final = (
    Format(
        "banchu",
        "A line needs task_id and attempts (a list of programs); claimed, reflections, tests, few_shots, repeat may "
        "be there",
        _has("attempts"),
        loops.read_banchu,
    ),
    Format(
        "mapcoder",
        "A line of MapCoder needs task_id or name, source_codes and is_solved",
        _has("source_codes"),
        loops.read_mapcoder,
        "oracle",
    ),
    Format(
        "ldb",
        "A line of LDB needs task_id, is_solved, given_tests, and implementations or solution",
        _has("given_tests", "is_solved"),
        loops.read_ldb,
        "visible_tests",
    ),
    Format(
        "lats",
        "A line of LATS needs name and acc; is_solved, solution, implementations, reflections may be there",
        _has("name", "acc"),
        loops.read_lats,
        "self_tests",
    ),
    Format(
        "reflexion",
        "A line of Reflexion needs task_id or name, is_solved, and solution or implementations; reflections may be "
        "there",
        _has("is_solved"),
        loops.read_reflexion,
        "self_tests",
    ),
    Format(
        "evalplus",
        "A line of EvalPlus needs task_id and solution",
        _has("task_id", "solution"),
        _read_solution,
        samples=True,
    ),
    Format(
        "human-eval",
        "A line of human-eval needs task_id and completion",
        _has("task_id", "completion"),
        _read_completion,
        samples=True,
    ),
    Format(
        "inspect",
        "A sample of Inspect needs id, epoch, messages or output, scores",
        inspect_log.is_log,
        inspect_log.read_sample,
        samples=True,
    ),
)
FORMATS: Final[dict[str, Format]] = {each.name: each for each in _ALL}


def read_rows(data: bytes, label: str, wanted: str = AUTO) -> tuple[Format, Iterator[tuple[int, Row]]]:
    """The format of a log and its records, each with its number from 1: the line, or the sample of an Inspect log.

    Args:
        data: of the file, as it lies on disk.
        label: names the file in errors.
        wanted: a name in FORMATS, or `auto`: by the fields of the first record.

    Raises:
        ConfigError: no such format.
        DataError: the file is no log of that format; also while the records are read.
    """
    if wanted not in (AUTO, *FORMATS):
        raise unknown("format of a log", wanted, (AUTO, *FORMATS))
    if inspect_log.is_archive(data) or wanted == "inspect":
        if wanted not in (AUTO, "inspect"):
            raise DataError(f"{label}: is an archive, not {wanted}; leave --format out, or name inspect")
        return FORMATS["inspect"], _read(FORMATS["inspect"], inspect_log.samples(data, label))
    text = decoded(data, label)
    if wanted == AUTO and inspect_log.is_json_log(text):
        return FORMATS["inspect"], _read(FORMATS["inspect"], inspect_log.samples(data, label))
    found = _detected(text, label) if wanted == AUTO else FORMATS[wanted]
    return found, _read(found, _lines(text, label))


def _read(found: Format, records: Iterator[tuple[int, str, dict[str, Any]]]) -> Iterator[tuple[int, Row]]:
    for number, where, row in records:
        yield number, found.read(Fields(row, where, found.expects))


def _lines(text: str, label: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{label}, line {number}"
            yield number, where, json_line(line, where)


def _detected(text: str, label: str) -> Format:
    number, where, row = next(_lines(text, label), (0, label, {}))
    if not number:
        raise DataError(f"{label}: holds no attempt; write one JSON object with task_id and attempts a line")
    for each in _ALL:
        if each.fits(row):
            return each
    there = shown(", ".join(sorted(row)[:12])) or "none"
    raise DataError(
        f"{where}: the fields ({there}) are those of no known log ({', '.join(FORMATS)}). {_ALL[0].expects}; "
        f"or name a format with --format"
    )
