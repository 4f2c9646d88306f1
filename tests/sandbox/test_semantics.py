"""The rewritten check passes exactly when the unmodified one does not raise; values and names mean what they meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from banchu.core.verdict import Verdict

Ask = Callable[..., Verdict]

CHECKS = {
    "plain": "assert candidate(2) == 4",
    "message with effects": "assert candidate(2) == 4, [][0]",
    "loop": "for i in range(4):\n        assert candidate(i) == i * i",
    "walrus": "assert (y := candidate(2)) == 4\n    assert y + 1 == 5",
    "caught assertion": "try:\n        assert candidate(2) == 5\n    except AssertionError:\n        pass",
    "told by the catch": "try:\n        assert candidate(2) == 4\n    except AssertionError:\n        assert 0, 'told'",
    "expects a raise": "try:\n        candidate('a')\n    except TypeError:\n        return\n    raise AssertionError",
    "finally": "try:\n        assert candidate(2) == 4\n    finally:\n        candidate(1)",
    "suppress": "import contextlib\n    with contextlib.suppress(AssertionError):\n        assert candidate(2) == 0",
    "helper": "def same(a, b):\n        assert a == b\n    same(candidate(2), 4)",
    "lambda": "assert (lambda v: v == 4)(candidate(2))",
    "chained": "assert 0 < candidate(2) < 5",
    "any": "assert any(candidate(i) == 4 for i in range(3))",
    "generator": "def g():\n        assert candidate(2) == 4\n        yield 1\n    assert list(g())",
    "identity": "assert candidate(0) is not None and candidate(1) == True",
    "by name": "assert f(2) == 4",
    "no assertion": "if candidate(2) != 4:\n        raise RuntimeError('no')",
    "return in the middle": "if candidate(1) == 1:\n        return\n    assert False",
    "an assert in a class": "class T:\n        assert candidate(2) == 4",
}

CANDIDATES = [
    "def f(x):\n    return x * x\n",
    "def f(x):\n    return x + x\n",
    "def f(x):\n    return x\n",
    "def f(x):\n    return 'no'\n",
    "def f(x):\n    raise ValueError('no')\n",
    "def f(x):\n    raise AssertionError\n",
    "def f(x):\n    return float(x * x)\n",
]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("code", CANDIDATES)
def test_the_verdict_is_that_of_the_unmodified_check(ask: Ask, name: str, code: str) -> None:
    check = f"def check(candidate):\n    {CHECKS[name]}\n"
    verdict = ask(code, check)
    assert verdict.passed == _passes_in_process(code, check), verdict
    assert verdict.kind in ("passed", "wrong_answer", "raised")


def _passes_in_process(code: str, check: str) -> bool:
    scope: dict[str, Any] = {}
    exec(code, scope)
    exec(check, scope)
    try:
        scope["check"](scope["f"])
    except Exception:  # noqa: BLE001  # whatever it is, the check has not passed
        return False
    return True


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("{1, 2} | {3}", "{1, 2, 3}"),
        ("{(1, 'a'): [None, True]}", "{(1, 'a'): [None, True]}"),
        ("(1, [2, (3,)])", "(1, [2, (3,)])"),
        ("frozenset([b'x'])", "frozenset([b'x'])"),
        ("1 + 2j", "1 + 2j"),
        ("'\\ud800 \\ud83d\\ude00'", "'\\ud800 \\ud83d\\ude00'"),
        ("-10 ** 400", "-10 ** 400"),
        ("float('inf')", "float('inf')"),
        ("range(3)", "range(3)"),
        ("dict(a=1).keys()", "{'a'}"),
        ("__import__('collections').Counter('aab')", "{'a': 2, 'b': 1}"),
        ("__import__('collections').namedtuple('P', 'x y')(1, 2)", "(1, 2)"),
        ("__import__('decimal').Decimal('1.10')", "__import__('decimal').Decimal('1.1')"),
        ("__import__('fractions').Fraction(2, 3)", "__import__('fractions').Fraction(4, 6)"),
        ("__import__('enum').IntEnum('E', 'A B').B", "2"),
    ],
)
def test_equal_values_are_equal_over_there(ask: Ask, returned: str, expected: str) -> None:
    check = f"def check(candidate):\n    assert candidate(0) == {expected}\n"
    assert ask(f"def f(x):\n    return {returned}\n", check).passed


@pytest.mark.parametrize(
    "value", ["[1, (2, {3: {4}})]", "'\\ud800'", "10 ** 400", "float('inf')", "[[], {}, b'\\xff']"]
)
def test_arguments_arrive_as_they_were(ask: Ask, value: str) -> None:
    check = f"def check(candidate):\n    assert candidate({value}, k={value}) == True\n"
    assert ask(f"def f(x, k):\n    return x == k == {value} and type(x) is type({value})\n", check).passed


def test_types_are_told_apart_as_they_were(ask: Ask) -> None:
    check = "def check(candidate):\n    assert candidate(0) == [1, 2]\n    assert list(candidate(0)) == [1, 2]\n"
    for made in ("(1, 2)", "iter([1, 2])", "(i for i in (1, 2))", "range(1, 3)"):
        verdict = ask(f"def f(x):\n    return {made}\n", check)
        assert (verdict.kind, verdict.tests_passed) == ("wrong_answer", 1)


def test_helpers_of_the_prompt_are_there_and_the_candidates_are_not(ask: Ask) -> None:
    context = "def encode(s):\n    return s[::-1]\n\n\ndef f(s):\n    '''The task.'''\n"
    check = "def check(candidate):\n    assert candidate(encode('abc')) == 'abc'\n"
    assert ask("def f(s):\n    return s[::-1]\n", check, context).passed
    assert not ask("def encode(s):\n    return s\n\n\ndef f(s):\n    return s\n", check, context).passed


def test_hashes_and_random_are_the_same_in_every_judgement(ask: Ask) -> None:
    code = "import random\nprint(hash('a'), random.random(), list({'x', 'y', 'z'}))\ndef f(x):\n    return x * x\n"
    assert ask(code).stdout == ask(f"{code}# again\n").stdout != ""


def test_a_program_has_what_programs_use(ask: Ask) -> None:
    code = """
import asyncio, concurrent.futures, dataclasses, tempfile, typing

@dataclasses.dataclass
class Point:
    x: "int"

async def main() -> int:
    await asyncio.sleep(0)
    return 1

def f(x):
    assert typing.get_type_hints(Point) == {"x": int} and callable(exit)
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("kept"); file.seek(0)
        assert file.read() == "kept"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return sum(pool.map(lambda v: v * x, [x] * asyncio.run(main())))

if __name__ == "__main__":
    raise SystemExit("a module under test is not the main program")
"""
    verdict = ask(code)
    assert verdict.passed, verdict
