"""Files in HumanEval's format: one JSON object a line with task_id, prompt, entry_point, test, canonical_solution.

Instead of `test` a row may hold `inputs`, a list of argument lists, and `expected`, the value for each of them: then
each pair is one assertion, `f(*arguments) == value`. JSON has no tuples, and floats are compared as they are written;
where that is not what you mean, write a `test`.

A row may also hold all `answers` that there are and the right `answer`: see `choices`.
"""

from __future__ import annotations

import ast
import hashlib
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.benchmarks.choices import ChoiceRow, choice_of, finite, must_take_nothing
from banchu.benchmarks.examples import prompt_examples
from banchu.benchmarks.reading import decoded, json_line, parsed, read_bytes
from banchu.core.errors import DataError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.task import Task

_REQUIRED: Final = ("task_id", "prompt", "entry_point", "test")
_CASES: Final = ("inputs", "expected")


def load_file(path: Path) -> Benchmark:
    """The benchmark in a file of the user's, named after its stem. Raises DataError."""
    data = read_bytes(path, remedy="check the path and its permissions")
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return parse_benchmark(data, name=name, label=str(path), source=str(path), licence="not stated")


def parse_benchmark(data: bytes, *, name: str, label: str, source: str, licence: str) -> Benchmark:
    """A benchmark from the bytes of a file, gzipped or not. `label` names the file in errors. Raises DataError."""
    tasks: dict[str, BenchmarkTask] = {}
    for number, line in enumerate(decoded(data, label).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{label}, line {number}"
        read = json_line(line, where)
        choice = choice_of(read, where)
        row = _row(choice.row if choice else read, where)
        if row["task_id"] in tasks:
            raise DataError(f"{where}: task_id {row['task_id']!r} appears twice; ids must be unique")
        tasks[row["task_id"]] = _task(row, name, f"{where} ({row['task_id']})", choice)
    if not tasks:
        raise DataError(f"{label}: holds no task; write one JSON object with {', '.join(_REQUIRED)} a line")
    digest = hashlib.sha256(data).hexdigest()
    return Benchmark(name=name, tasks=tuple(tasks.values()), source=source, digest=digest, licence=licence)


def _row(row: dict[str, Any], where: str) -> dict[str, str]:
    if any(field in row for field in _CASES):
        row["test"] = _check_of_cases(row, where)
    for field in _REQUIRED:
        if field not in row:
            raise DataError(
                f"{where}: field {field!r} is missing; HumanEval's format needs {', '.join(_REQUIRED)} (or inputs and "
                f"expected in place of test, or answers and answer)"
            )
    for field in (*_REQUIRED, "canonical_solution"):
        if not isinstance(row.setdefault(field, ""), str):
            raise DataError(f"{where}: field {field!r} is {type(row[field]).__name__}; it must be a string")
    for field in ("task_id", "entry_point"):
        if not row[field].strip():
            raise DataError(f"{where}: field {field!r} is empty; it must name the {field.split('_')[0]}")
    return row


def _check_of_cases(row: dict[str, Any], where: str) -> str:
    """A check of literal assertions, which the judge can put to the candidate all at once."""
    if "test" in row:
        raise DataError(f"{where}: fields 'test' and 'inputs'/'expected' are both there; keep one way to say it")
    for field in _CASES:
        if not isinstance(row.get(field), list):
            found = type(row[field]).__name__ if field in row else "missing"
            raise DataError(f"{where}: field {field!r} is {found}; it must be a list with one item for each case")
    inputs, expected = row["inputs"], row["expected"]
    if not inputs or len(inputs) != len(expected):
        raise DataError(
            f"{where}: {len(inputs)} 'inputs' and {len(expected)} 'expected'; there must be as many of one as of the "
            f"other, at least 1"
        )
    for number, arguments in enumerate(inputs):
        if not isinstance(arguments, list):
            raise DataError(
                f"{where}: inputs[{number}] is {type(arguments).__name__}, not a list of arguments; write f(7) as [7]"
            )
    if not finite([inputs, expected]):
        raise DataError(f"{where}: 'inputs' or 'expected' holds NaN or an infinity; write a 'test' for such a task")
    cases = zip(inputs, expected, strict=True)
    asserts = [f"    assert candidate({', '.join(map(repr, arguments))}) == {value!r}\n" for arguments, value in cases]
    return "def check(candidate):\n" + "".join(asserts)


def _task(row: dict[str, str], benchmark: str, where: str, choice: ChoiceRow | None) -> BenchmarkTask:
    prompt, entry_point, check = row["prompt"], row["entry_point"], row["test"]
    if not entry_point.isidentifier() or iskeyword(entry_point):
        raise DataError(f"{where}: entry_point {entry_point!r} is no Python name; it must be the function's name")
    tests = parsed(check)
    if tests is None:
        raise DataError(f"{where}: field 'test' is not valid Python; it must define check(candidate)")
    if not any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tests.body):
        raise DataError(f"{where}: field 'test' defines no check(); it must define check(candidate)")
    context, tree = next(
        ((text, tree) for text in (prompt, f"{prompt}\n    pass\n") if (tree := parsed(text)) is not None), ("", None)
    )
    if tree is None:
        raise DataError(f"{where}: field 'prompt' is not valid Python; it must end in the function's head or docstring")
    solution = row["canonical_solution"]
    reference = prompt + solution if solution else ""
    if choice:
        must_take_nothing(tree, entry_point, where)
        reference = choice.reference(entry_point)
    suite = TestSuite(check, entry_point, context, reference)
    examples = prompt_examples(context, entry_point)
    answers = choice.answers if choice else ()
    task = Task(row["task_id"], benchmark, prompt, entry_point, examples, answers)
    return BenchmarkTask(task, SealedTests(suite))
