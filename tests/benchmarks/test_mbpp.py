"""MBPP from a file of the user's: both formats, what the prompt shows, what stays sealed, what can be judged."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from banchu.benchmarks import Benchmark, SealedScan, load_benchmark
from banchu.core.errors import ConfigError, DataError
from banchu.core.sealed import unseal
from banchu.sandbox import Judge

PUBLISHED = next(
    (path for place in Path(__file__).parents for path in [place / "shared/data/mbpp/mbpp.jsonl"] if path.exists()),
    Path("mbpp.jsonl"),
)
needs_mbpp = pytest.mark.skipif(not PUBLISHED.exists(), reason="MBPP is not shipped; put it at shared/data/mbpp")

ROW: dict[str, Any] = {
    "task_id": 11,
    "text": "Write a function to double a number.",
    "code": "def double(x):\r\n    return x * 2",
    "test_list": ["assert double(2) == 4", "assert double(21) == 42", "assert double(-1) == -2"],
    "test_setup_code": "",
    "challenge_test_list": ["assert double(10) == 20"],
}


def load(tmp_path: Path, *rows: object, options: str = "") -> Benchmark:
    path = tmp_path / "mbpp.jsonl"
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return load_benchmark(f"mbpp{options}:{path}")


@pytest.mark.parametrize(("options", "name", "shown"), [("", "mbpp", 1), ("+visible=3", "mbpp+visible=3", 3)])
def test_the_prompt_shows_so_many_tests_and_all_of_them_judge(
    tmp_path: Path, options: str, name: str, shown: int
) -> None:
    benchmark = load(tmp_path, ROW, options=options)
    assert benchmark.name == name
    (pair,) = benchmark.tasks
    assert pair.task.id == "MBPP/11"
    assert pair.task.benchmark == name
    assert ast.get_docstring(ast.parse(pair.task.prompt)) == "\n".join(
        [
            "Write a function to double a number.",
            "",
            "Your code should pass these tests:",
            "",
            *ROW["test_list"][:shown],
        ]
    )
    assert pair.task.examples == tuple(ROW["test_list"][:shown])
    assert unseal(pair.sealed).check.count("assert") == 3
    assert "double(10)" not in unseal(pair.sealed).check
    assert SealedScan(pair.sealed, pair.task).hits(pair.task.prompt) == 0
    assert SealedScan(pair.sealed, pair.task).hits("assert double(-1) == -2") == (1 if shown == 1 else 0)


def test_no_visible_test_leaves_the_text_alone(tmp_path: Path) -> None:
    (pair,) = load(tmp_path, ROW, options="+visible=0").tasks
    assert pair.task.prompt == '"""\nWrite a function to double a number.\n"""\n'
    assert pair.task.examples == ()


def test_the_sanitized_file_is_an_array_with_a_prompt_and_imports(tmp_path: Path) -> None:
    row = {key: ROW[key] for key in ("task_id", "code", "test_list")}
    rows = [{**row, "prompt": "Write it.", "test_imports": ["import math"], "source_file": "x"}]
    path = tmp_path / "sanitized-mbpp.json"
    path.write_text(json.dumps(rows))
    (pair,) = load_benchmark(f"mbpp:{path}").tasks
    assert pair.task.prompt.startswith('"""\nWrite it.\n')
    assert unseal(pair.sealed).context.splitlines() == ["import math"]


def test_a_split_is_a_range_of_ids(tmp_path: Path) -> None:
    rows = [{**ROW, "task_id": number} for number in (10, 11, 510, 511, 601)]
    assert load(tmp_path, *rows, options="+split=test").ids == ("MBPP/11", "MBPP/510")
    assert load(tmp_path, *rows, options="+split=test").name == "mbpp+split=test"
    with pytest.raises(DataError, match="holds no task of split 'train' "):
        load(tmp_path, ROW, options="+split=train")


@pytest.mark.parametrize(
    ("tests", "code", "entry_point"),
    [
        (["assert f(g(1)) == 2", "assert f(g(2)) == 3"], "", "f"),
        (["assert set(f(1)) == {1}", "assert set(f(2)) == {2}"], "def f(x):\n    return [x]", "f"),
        (["assert sum(1, 2) == 3"], "def sum(a, b):\n    return a + b", "sum"),
        (["assert chain([Pair(1, 2)]) == 1"], "class Pair: ...\ndef chain(x): ...", "chain"),
        (["import math\nassert math.isclose(area(1), 3.14)"], "", "area"),
    ],
)
def test_the_entry_point_is_what_every_test_calls(
    tmp_path: Path, tests: list[str], code: str, entry_point: str
) -> None:
    (pair,) = load(tmp_path, {**ROW, "test_list": tests, "code": code}).tasks
    assert pair.task.entry_point == entry_point


def test_what_would_be_bent_by_an_indent_or_by_quotes_is_not(tmp_path: Path) -> None:
    test = 'assert f("""a\n  b""", \'\\n\') == 1'
    row = {**ROW, "text": 'Say """ and\nmore.', "test_list": [test], "code": "def f(x, y):\n    return x == 'a\\n  b'"}
    (pair,) = load(tmp_path, row).tasks
    assert pair.task.prompt.startswith("r'''\nSay \"\"\" and\nmore.\n")
    assert pair.task.examples == (r"assert f('a\n  b', '\n') == 1",)
    with Judge(slots=1) as judge:
        assert judge.judge_sync(pair, unseal(pair.sealed).reference).passed


def test_a_function_that_is_called_check_is_judged_like_any_other(tmp_path: Path) -> None:
    row = {**ROW, "code": "def check(x):\n    return x", "test_list": ["assert check(1) == 1", "assert check(2) == 2"]}
    (pair,) = load(tmp_path, row).tasks
    with Judge(slots=1) as judge:
        assert judge.judge_sync(pair, row["code"]).tests_passed == 2
        assert judge.judge_sync(pair, "def check(x):\n    return 1").kind == "wrong_answer"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{not json", "line 1: not valid JSON"),
        ("[1]", "item 1: is int, not an object"),
        ("[{]", "not valid JSON"),
        ({**ROW, "task_id": "11"}, "field 'task_id' is '11'; it must be a number"),
        ({**ROW, "text": None}, "field 'text' is NoneType"),
        ({**ROW, "test_list": "assert"}, "field 'test_list' is str; it must be a list of strings"),
        ({**ROW, "test_list": []}, "field 'test_list' is missing or empty"),
        ({**ROW, "test_list": ["assert (("]}, "which is no assert in valid Python"),
        ({**ROW, "test_list": ["assert 1 == 1"]}, "calls no function"),
    ],
)
def test_a_bad_row_is_one_line(tmp_path: Path, row: object, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path, row)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mbpp", "names no file, and MBPP is not shipped; write mbpp:mbpp.jsonl"),
        ("mbpp+visible=x:a.jsonl", "visible='x' of mbpp must be a number"),
        ("mbpp+split=tset:a.jsonl", "Did you mean 'test'"),
        ("mbpp+shots=3:a.jsonl", "unknown option of mbpp 'shots'"),
    ],
)
def test_a_bad_specification_is_one_line(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_benchmark(spec)


@needs_mbpp
@pytest.mark.slow
def test_the_published_file_loads_and_no_prompt_counts_as_leaking() -> None:
    benchmark = load_benchmark(f"mbpp:{PUBLISHED}")
    assert len(benchmark.tasks) == 974
    assert len(load_benchmark(f"mbpp+split=test:{PUBLISHED}").tasks) == 500
    scans = [(SealedScan(pair.sealed, pair.task), pair.task.prompt) for pair in benchmark.tasks]
    assert [prompt for scan, prompt in scans if scan.hits(prompt)] == []
    assert sum(len(scan) for scan, _ in scans) > 974 * 1.9


@needs_mbpp
@pytest.mark.slow
def test_the_reference_solutions_pass() -> None:
    benchmark = load_benchmark(f"mbpp:{PUBLISHED}")
    with Judge() as judge:
        judged = [*judge.judge_many_sync((pair, unseal(pair.sealed).reference) for pair in benchmark.tasks)]
    assert len(judged) == 974
    # Among them tests that build the candidate's own classes (Node, Pair), pass a type, or use its `import sys`.
    failed = [each for each in judged if each.verdict is None or not each.verdict.passed]
    assert [(benchmark.ids[each.index], each.verdict, each.error) for each in failed] == []
