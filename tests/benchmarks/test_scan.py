"""The scan for sealed text: finds every assertion as it could leak, and nothing that is public."""

import ast
import json
import pickle

import pytest

from banchu.benchmarks import Benchmark, SealedScan, load_benchmark, with_garbage_tests
from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.core.task import Task

PROMPT = '''def total(xs, start):
    """Sum of xs.

    >>> total([1, 2], 0)
    3
    total([5], 1) -> 6
    total([6], 1) returns 7
    total([], 2) => true
    """
'''
CHECK = """
def check(candidate):
    assert candidate([1, 2], 0) == 3
    assert candidate([5], 1) == 6, "shown"
    assert candidate([6], 1) == 7
    assert candidate([], 2) == True
    assert candidate([10, 20], 5) == 35, "hidden"
    assert candidate( [ 'a b' ],
        "c" ) == "c a b"
    assert 12 == candidate([4, 4], 4)
    assert abs(candidate([0.5], 0.25) - 0.75) < 1e-6
    assert candidate([9, 9], 9)
    assert not candidate([8, 8], -16)
    assert True
    for xs in ([1], [2]):
        assert candidate(xs, 7) == sum(xs) + 7
"""


@pytest.fixture(scope="module")
def scan() -> SealedScan:
    suite = TestSuite(CHECK, "total", PROMPT, PROMPT + "    return start + sum(xs)\n")
    return SealedScan(SealedTests(suite), Task("t/1", "t", PROMPT, "total", ("assert total([1, 2], 0) == 3",)))


@pytest.fixture(scope="module")
def humaneval() -> Benchmark:
    return load_benchmark("humaneval")


def test_counts_what_is_hidden(scan: SealedScan) -> None:
    assert len(scan) == 7
    assert scan.hits(CHECK) == 7
    assert scan.hits(PROMPT) == 0


@pytest.mark.parametrize(
    "text",
    [
        "assert total([10, 20], 5) == 35",
        "assert candidate([10,20],5)==35",
        "the test is total( [10,\n 20 ], 5 )   ==   35.",
        "35 == total([10, 20], 5)",
        ">>> total([10, 20], 5)\n35\n",
        "total([10, 20], 5) -> 35",
        "`total([10, 20], 5)` should return `35`, but it returned `30`",
        "total([10, 20], 5) returned 30, expected 35",
        "total([10, 20], 5)\nactual: 30\nexpected: 35",
        'total(["a b"], "c") == "c a b"',
        "total(['a b'],'c') == 'c a b'",
        "assert total([4, 4], 4) == 12",
        "total([0.5], 0.25) should be 0.75",
        "assert total([9, 9], 9)",
        "total([9, 9], 9) == True",
        "total([8, 8], -16) is false",
        "assert not total([8,8], -16)",
        "assert total(xs, 7) == sum(xs) + 7",
    ],
)
def test_found(scan: SealedScan, text: str) -> None:
    assert scan.hits(text) == 1
    assert scan.hits(f"Feedback.\n\n```text\n{text}\n```\nTry again.") == 1


AS_DATA = {
    "a row as JSON": lambda check: json.dumps({"task_id": "t/1", "test": check}),
    "JSON in JSON": lambda check: json.dumps([{"text": json.dumps({"test": check})}], indent=2),
    "a row as Python shows it": lambda check: repr({"test": check + '\n# it\'s "quoted"'}),
    "a model's own call": lambda check: f"[call write] {json.dumps({'text': check})}",
}
"""What tools return is told as JSON unless it is text."""


@pytest.mark.parametrize("form", AS_DATA)
def test_found_in_data(scan: SealedScan, form: str) -> None:
    assert scan.hits(AS_DATA[form](CHECK)) == len(scan)
    assert scan.hits(AS_DATA[form](PROMPT)) == 0


def test_what_the_prompt_shows_escaped_is_public() -> None:
    shown = 'def f(s):\n    """Such as f(\\"a b c\\") == 12."""\n'
    sealed = SealedTests(TestSuite('def check(candidate):\n    assert candidate("a b c") == 12\n', "f", shown, shown))
    assert len(SealedScan(sealed, Task("t/2", "t", shown, "f"))) == 0
    assert len(SealedScan(sealed, Task("t/2", "t", "def f(s):\n    ...\n", "f"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "total([1, 2], 0) == 3 and total([5], 1) == 6 and total([6], 1) is 7",
        "total([10, 20], 5) == 350",
        "total([10, 20], 5) == 35.5",
        "subtotal([10, 20], 5) == 35",
        "total([10, 20], 5) == 36",
        "total([10, 20], 5)\nother([1]) == 35",
        "print(total([9, 9], 9))",
        "total([9, 9], 9) + 1",
        'total(["a b"], "c") == "c ab"',
        "assert True",
    ],
)
def test_not_found(scan: SealedScan, text: str) -> None:
    assert scan.hits(text) == 0


def test_scan_does_not_travel(scan: SealedScan) -> None:
    assert not any(said in repr(scan) for said in ("hidden", "[10, 20]"))  # 35 stands in many an address
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(scan)


def test_counts_distinct_assertions(scan: SealedScan) -> None:
    twice = "total([10, 20], 5) == 35\n" * 2
    assert scan.hits(twice + "total([4, 4], 4) == 12") == 2


def test_every_hidden_assertion_of_humaneval_is_found(humaneval: Benchmark) -> None:
    for each in humaneval.tasks:
        scan, suite = SealedScan(each.sealed, each.task), unseal(each.sealed)
        flat = "\n".join(ast.unparse(node) for node in ast.walk(ast.parse(suite.check)) if isinstance(node, ast.Assert))
        assert scan.hits(suite.check) == len(scan), each.task.id
        assert scan.hits(json.dumps({"rows": [repr(suite.check)]})) == len(scan), each.task.id
        assert scan.hits(flat.replace("'", '"').replace(" ", "  ")) == len(scan), each.task.id


def test_nothing_public_of_humaneval_is_found(humaneval: Benchmark) -> None:
    for each in humaneval.tasks:
        scan = SealedScan(each.sealed, each.task)
        assert scan.hits("\n".join((each.task.prompt, *each.task.examples))) == 0, each.task.id
        assert scan.hits(unseal(each.sealed).reference) == 0, each.task.id


def test_garbage_is_unrelated_and_consistent(humaneval: Benchmark) -> None:
    garbage = with_garbage_tests(humaneval)
    assert [each.task for each in garbage.tasks] == [each.task for each in humaneval.tasks]
    for before, after in zip(humaneval.tasks, garbage.tasks, strict=True):
        real, fake = unseal(before.sealed), unseal(after.sealed)
        assert SealedScan(before.sealed, before.task).hits(fake.check) == 0
        scope: dict[str, object] = {}
        exec(f"{fake.check}\n{fake.reference}\ncheck({fake.entry_point})", scope)
        with pytest.raises(Exception):  # noqa: B017, PT011  # whatever the real answer does with garbage, it does not pass
            exec(f"{real.reference}\n{fake.check}\ncheck({fake.entry_point})", {})
