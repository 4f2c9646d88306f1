"""MBPP in its two published formats: mbpp.jsonl, and sanitized-mbpp.json. Not shipped: the file is the user's.

The specification is `mbpp:FILE`, with options as an arm has them: `mbpp+visible=3+split=test:FILE`.

`visible` is how many of a task's asserts the prompt shows (default 1). All of them judge the answer, always. Austin et
al. show all three, so that a solution can be written around the very tests that grade it; with `visible=3` the numbers
compare with that protocol, and no test is hidden any more: an oracle arm then tells what the prompt told already. The
default follows what later work (EvalPlus) does: one assert, which shows the function's name and the form of its
arguments, beside others that stay sealed. Arms that need hidden tests need the default.

`split` is one of the published ranges of task_id. Papers report `test` (500 tasks); the default is all in the file.

Source: Austin et al. 2021, Program Synthesis with Large Language Models (arXiv:2108.07732); data: CC BY 4.0.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.benchmarks.reading import decoded, json_line, parsed, read_bytes
from banchu.core.errors import ConfigError, DataError, unknown
from banchu.core.paths import user_path
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.task import Task

SPLITS: Final = {"prompt": (1, 10), "test": (11, 510), "validation": (511, 600), "train": (601, 974)}
"""First and last task_id of each published split."""
_LICENCE: Final = "CC BY 4.0"
_FORMAT: Final = "MBPP's format needs task_id, text (or prompt), code, test_list"


@dataclass(frozen=True, slots=True)
class _Options:
    visible: int = 1
    split: str = ""

    @property
    def name(self) -> str:
        """What the benchmark is called: runs that show other prompts are other experiments."""
        visible = f"+visible={self.visible}" if self.visible != 1 else ""
        return f"mbpp{f'+split={self.split}' if self.split else ''}{visible}"


def load_mbpp(spec: str) -> Benchmark:
    """The benchmark that `mbpp:FILE` names, with or without options. Raises ConfigError, DataError."""
    head, _, path = spec.partition(":")
    options = _options(head)
    if not path:
        raise ConfigError(f"benchmark {spec!r} names no file, and MBPP is not shipped; write {options.name}:mbpp.jsonl")
    file = user_path(path)
    data = read_bytes(file, remedy="check the path; mbpp.jsonl is published in google-research/google-research")
    return parse_mbpp(data, options, label=path)


def parse_mbpp(data: bytes, options: _Options, *, label: str) -> Benchmark:
    """A benchmark from the bytes of a published file. `label` names the file in errors. Raises DataError."""
    tasks: dict[str, BenchmarkTask] = {}
    first, last = SPLITS.get(options.split, (None, None))
    for where, row in _rows(decoded(data, label), label):
        number = _number(row, where)
        if first is not None and last is not None and not first <= number <= last:
            continue
        task_id = f"MBPP/{number}"
        if task_id in tasks:
            raise DataError(f"{where}: task_id {number} appears twice; ids must be unique")
        tasks[task_id] = _task(row, task_id, options, f"{where} (task_id {number})")
    if not tasks:
        split = f" of split {options.split!r} (task_id {first} to {last})" if options.split else ""
        raise DataError(f"{label}: holds no task{split}; {_FORMAT}")
    digest = hashlib.sha256(data).hexdigest()
    return Benchmark(name=options.name, tasks=tuple(tasks.values()), source=label, digest=digest, licence=_LICENCE)


def _options(head: str) -> _Options:
    values: dict[str, Any] = {}
    for part in head.split("+")[1:]:
        name, _, value = part.partition("=")
        if name == "visible":
            if not (value.isascii() and value.isdigit()):
                raise ConfigError(f"option visible={value!r} of mbpp must be a number of tests, such as visible=3")
            values[name] = int(value)
        elif name == "split":
            if value not in SPLITS:
                raise unknown("split of mbpp", value, SPLITS)
            values[name] = value
        else:
            raise unknown("option of mbpp", name, ("visible", "split"))
    return _Options(**values)


def _rows(text: str, label: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where it stands, row): of a JSON array as the sanitized file is one, or of one object a line."""
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{label}: not valid JSON ({error}); fetch the file again") from None
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict):
                raise DataError(f"{label}, item {number}: is {type(row).__name__}, not an object; {_FORMAT}")
            yield f"{label}, item {number}", row
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{label}, line {number}", json_line(line, f"{label}, line {number}")


def _number(row: dict[str, Any], where: str) -> int:
    number = row.get("task_id")
    if type(number) is not int:
        raise DataError(f"{where}: field 'task_id' is {number!r}; it must be a number. {_FORMAT}")
    return number


def _task(row: dict[str, Any], task_id: str, options: _Options, where: str) -> BenchmarkTask:
    text = row.get("text", row.get("prompt"))
    code, setup = row.get("code", ""), row.get("test_setup_code", "")
    for field, value in (("text", text), ("code", code), ("test_setup_code", setup)):
        if not isinstance(value, str):
            raise DataError(f"{where}: field {field!r} is {type(value).__name__}; it must be a string. {_FORMAT}")
    imports, tests = _strings(row, "test_imports", where), _strings(row, "test_list", where)
    if not tests:
        raise DataError(f"{where}: field 'test_list' is missing or empty; it must hold asserts. {_FORMAT}")
    trees = [parsed(test) for test in tests]
    for test, tree in zip(tests, trees, strict=True):
        if tree is None or not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            raise DataError(f"{where}: field 'test_list' holds {test[:60]!r}, which is no assert in valid Python")
    asserts = tuple(_one_line(test, tree) for test, tree in zip(tests, trees, strict=True) if tree)
    entry_point = _entry_point([tree for tree in trees if tree], parsed(code))
    if entry_point is None:
        raise DataError(f"{where}: field 'test_list' calls no function; its asserts must call the one to be written")
    assert isinstance(text, str)
    suite = TestSuite(
        check=_check(asserts, entry_point),
        entry_point=entry_point,
        context="\n".join([*imports, setup]),
        reference=code,
    )
    shown = asserts[: options.visible]
    task = Task(task_id, options.name, _prompt(text, shown, where), entry_point, shown)
    return BenchmarkTask(task, SealedTests(suite))


def _strings(row: dict[str, Any], field: str, where: str) -> list[str]:
    value = row.get(field, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise DataError(f"{where}: field {field!r} is {type(value).__name__}; it must be a list of strings. {_FORMAT}")
    return value


def _one_line(test: str, tree: ast.Module) -> str:
    """The assert as it is written; spelled anew where an indent would reach into a string of several lines."""
    return test.strip() if len(test.strip().splitlines()) == 1 else "; ".join(map(ast.unparse, tree.body))


def _entry_point(tests: list[ast.Module], code: ast.Module | None) -> str | None:
    """The function under test: called in every assert, outermost. A built-in only where the solution redefines it."""
    functions = {node.name for node in code.body if isinstance(node, ast.FunctionDef)} if code else set()
    called = [[*_called(test)] for test in tests]
    common = [name for name in called[0] if all(name in names for names in called)]
    own = [name for name in common if name in functions or not hasattr(builtins, name)]
    return next((name for name in own if name in functions), next(iter(own), None))


def _called(tree: ast.Module) -> Iterator[str]:
    """Names of functions, the outermost call first."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def _check(asserts: tuple[str, ...], entry_point: str) -> str:
    """The asserts call the function by its name, which the judge binds; but `check` is bound to the check by then."""
    bound = ["check = candidate"] if entry_point == "check" else []
    return "def check(candidate):\n" + "".join(f"    {line}\n" for line in (*bound, *asserts))


def _prompt(text: str, shown: tuple[str, ...], where: str) -> str:
    """A module's docstring: Python source that the answer continues, as every task's prompt is."""
    tests = ["", "Your code should pass these tests:", "", *shown] if shown else []
    body = "\n".join([*text.strip().splitlines(), *tests])
    for quotes in ('"""', "'''"):
        if quotes not in body:
            return f"{'r' if chr(92) in body else ''}{quotes}\n{body}\n{quotes}\n"
    raise DataError(f"{where}: field 'text' holds both kinds of triple quotes; leave one kind out")
