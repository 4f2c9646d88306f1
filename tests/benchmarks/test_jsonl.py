"""Files of the user's own: what loads, and one line of error with the remedy for what does not."""

import gzip
import json
from pathlib import Path

import pytest

from banchu.benchmarks import load_benchmark
from banchu.core.errors import DataError
from banchu.core.sealed import unseal

ROW = {
    "task_id": "mine/1",
    "prompt": 'def double(x):\n    """Twice x.\n\n    >>> double(2)\n    4\n    """\n',
    "entry_point": "double",
    "canonical_solution": "    return x * 2\n",
    "test": "def check(candidate):\n    assert candidate(21) == 42\n",
}


def write(path: Path, *rows: object) -> str:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.jsonl.gz"])
def test_loads_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    benchmark = load_benchmark(write(tmp_path / name, ROW, "", {**ROW, "task_id": "mine/2"}))
    assert benchmark.name == "mine"
    assert benchmark.ids == ("mine/1", "mine/2")
    assert benchmark.tasks[0].task.examples == ("assert double(2) == 4",)
    assert unseal(benchmark.tasks[0].sealed).reference == ROW["prompt"] + ROW["canonical_solution"]


def test_solution_is_optional(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "canonical_solution"}
    assert unseal(load_benchmark(write(tmp_path / "t.jsonl", row)).tasks[0].sealed).reference == ""


def test_prompt_without_docstring_gets_a_context_that_runs(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", {**ROW, "prompt": "def double(x):\n"})
    compile(unseal(load_benchmark(path).tasks[0].sealed).context, "context", "exec")


CASES = {key: value for key, value in ROW.items() if key != "test"}


def test_inputs_and_expected_are_a_check_of_literal_assertions(tmp_path: Path) -> None:
    row = {**CASES, "inputs": [[2], [{"a": [None, 1.5]}, "é\n"]], "expected": [4, True]}
    (pair,) = load_benchmark(write(tmp_path / "t.jsonl", row)).tasks
    assert unseal(pair.sealed).check == (
        "def check(candidate):\n"
        "    assert candidate(2) == 4\n"
        "    assert candidate({'a': [None, 1.5]}, 'é\\n') == True\n"
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**CASES, "inputs": [[1]]}, "field 'expected' is missing; it must be a list"),
        ({**CASES, "inputs": 1, "expected": []}, "field 'inputs' is int; it must be a list"),
        ({**CASES, "inputs": [], "expected": []}, "0 'inputs' and 0 'expected'"),
        ({**CASES, "inputs": [[1]], "expected": [1, 2]}, "1 'inputs' and 2 'expected'"),
        (
            {**CASES, "inputs": [1], "expected": [1]},
            r"inputs\[0\] is int, not a list of arguments; write f\(7\) as \[7\]",
        ),
        ({**CASES, "inputs": [[1]], "expected": [{"a": [float("nan")]}]}, "holds NaN or an infinity"),
        ({**ROW, "inputs": [[1]], "expected": [1]}, "are both there; keep one"),
    ],
)
def test_bad_cases(tmp_path: Path, row: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_benchmark(write(tmp_path / "t.jsonl", row))
    assert "line 1: " in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "line 2: not valid JSON"),
        ("[1]", "line 2: is list, not an object"),
        ({key: value for key, value in ROW.items() if key != "test"}, "line 2: field 'test' is missing"),
        ({**ROW, "task_id": 7}, "field 'task_id' is int; it must be a string"),
        ({**ROW, "entry_point": " "}, "field 'entry_point' is empty"),
        ({**ROW, "entry_point": "a b"}, "entry_point 'a b' is no Python name"),
        ({**ROW, "task_id": "first"}, "line 2: task_id 'first' appears twice"),
        ({**ROW, "test": "assert double(1) == 2"}, r"defines no check\(\)"),
        ({**ROW, "test": "def check(:"}, "field 'test' is not valid Python"),
        ({**ROW, "prompt": "def double(x:"}, "field 'prompt' is not valid Python"),
    ],
)
def test_bad_row(tmp_path: Path, row: object, message: str) -> None:
    path = write(tmp_path / "t.jsonl", {**ROW, "task_id": "first"}, row)
    with pytest.raises(DataError, match=message) as caught:
        load_benchmark(path)
    assert "\n" not in str(caught.value)
    assert path in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read \(No such file.*\); check the path"):
        load_benchmark(str(tmp_path / "absent.jsonl"))


def test_folder_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        load_benchmark(str(tmp_path / "folder.jsonl"))


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "holds no task"), (b"\xff\xfe", "not UTF-8"), (gzip.compress(b"{}", mtime=0)[:-9], "damaged gzip data")],
)
def test_bad_bytes(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        load_benchmark(str(path))
