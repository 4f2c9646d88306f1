"""Files in HumanEval's format: one JSON object a line with task_id, prompt, entry_point, test, canonical_solution."""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import warnings
import zlib
from pathlib import Path
from typing import Final

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.benchmarks.examples import prompt_examples
from banchu.core.errors import DataError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.task import Task

_REQUIRED: Final = ("task_id", "prompt", "entry_point", "test")
_GZIP_MAGIC: Final = b"\x1f\x8b"


def load_file(path: Path) -> Benchmark:
    """The benchmark in a file of the user's, named after its stem. Raises DataError."""
    data = read_bytes(path, remedy="check the path and its permissions")
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return parse_benchmark(data, name=name, label=str(path), source=str(path), licence="not stated")


def read_bytes(path: Path, *, remedy: str) -> bytes:
    """The file as it lies on disk. Raises DataError with the remedy."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from None


def parse_benchmark(data: bytes, *, name: str, label: str, source: str, licence: str) -> Benchmark:
    """A benchmark from the bytes of a file, gzipped or not. `label` names the file in errors. Raises DataError."""
    tasks: dict[str, BenchmarkTask] = {}
    for number, line in enumerate(_text(data, label).split("\n"), start=1):
        if not line.strip():
            continue
        row = _row(line, f"{label}, line {number}")
        if row["task_id"] in tasks:
            raise DataError(f"{label}, line {number}: task_id {row['task_id']!r} appears twice; ids must be unique")
        tasks[row["task_id"]] = _task(row, name, f"{label}, line {number} ({row['task_id']})")
    if not tasks:
        raise DataError(f"{label}: holds no task; write one JSON object with {', '.join(_REQUIRED)} a line")
    digest = hashlib.sha256(data).hexdigest()
    return Benchmark(name=name, tasks=tuple(tasks.values()), source=source, digest=digest, licence=licence)


def _text(data: bytes, label: str) -> str:
    try:
        raw = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
        return raw.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{label}: damaged gzip data ({error}); fetch or compress the file again") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{label}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None


def _row(line: str, where: str) -> dict[str, str]:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON ({error}); each line must be one JSON object") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: is {type(row).__name__}, not an object; each line must be one JSON object")
    for field in _REQUIRED:
        if field not in row:
            raise DataError(f"{where}: field {field!r} is missing; HumanEval's format needs {', '.join(_REQUIRED)}")
    for field in (*_REQUIRED, "canonical_solution"):
        if not isinstance(row.setdefault(field, ""), str):
            raise DataError(f"{where}: field {field!r} is {type(row[field]).__name__}; it must be a string")
    for field in ("task_id", "entry_point"):
        if not row[field].strip():
            raise DataError(f"{where}: field {field!r} is empty; it must name the {field.split('_')[0]}")
    return row


def _task(row: dict[str, str], benchmark: str, where: str) -> BenchmarkTask:
    prompt, entry_point, check = row["prompt"], row["entry_point"], row["test"]
    if not entry_point.isidentifier():
        raise DataError(f"{where}: entry_point {entry_point!r} is no Python name; it must be the function's name")
    tests = _parsed(check)
    if tests is None:
        raise DataError(f"{where}: field 'test' is not valid Python; it must define check(candidate)")
    if not any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tests.body):
        raise DataError(f"{where}: field 'test' defines no check(); it must define check(candidate)")
    context = next((text for text in (prompt, f"{prompt}\n    pass\n") if _parsed(text) is not None), None)
    if context is None:
        raise DataError(f"{where}: field 'prompt' is not valid Python; it must end in the function's head or docstring")
    solution = row["canonical_solution"]
    suite = TestSuite(check, entry_point, context, reference=prompt + solution if solution else "")
    task = Task(row["task_id"], benchmark, prompt, entry_point, prompt_examples(context, entry_point))
    return BenchmarkTask(task, SealedTests(suite))


def _parsed(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # what Python 3.11 says of '\d'
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
