"""Tests that take names and objects from the program they test, as some of MBPP's do."""

from __future__ import annotations

from collections.abc import Callable

from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import Judge
from banchu.sandbox.tester.names import borrowed_names

Ask = Callable[..., Verdict]

PAIR = "class Pair:\n    def __init__(self, a, b):\n        self.a, self.b = a, b\n"
TWICE = "def check(candidate):\n    assert candidate(candidate(1)) == 1\n"
WIDTH = f"{PAIR}def f(pair):\n    return pair.b - pair.a\n"


def verdict_of(judge: Judge, check: str, code: str, reference: str, context: str = "") -> Verdict:
    return judge.judge_sync(SealedTests(TestSuite(check, "f", context, reference)), code)


def test_a_class_of_the_programs_is_called_and_its_objects_are_handed_back(judge: Judge) -> None:
    check = "def check(candidate):\n    assert candidate(Pair(2, 5)) == 3\n    assert candidate(Pair(b=1, a=1)) == 0\n"
    assert verdict_of(judge, check, WIDTH, WIDTH).passed
    wrong = verdict_of(judge, check, WIDTH.replace("pair.b - pair.a", "3"), WIDTH)
    assert (wrong.kind, wrong.tests_passed, wrong.expected, wrong.actual) == ("wrong_answer", 1, "0", "3")
    missing = verdict_of(judge, check, "def f(pair):\n    return 3\n", WIDTH)
    assert missing.kind == "raised"
    assert "Pair" in missing.error


def test_attributes_of_such_an_object_are_read_and_set(judge: Judge) -> None:
    context = "pair = Pair(1, 2)\npair.b = 7\n"
    check = "def check(candidate):\n    assert candidate(pair) == 6 and pair.b == 7 and pair.a == 1\n"
    assert verdict_of(judge, check, WIDTH, WIDTH, context).passed


def test_an_object_equals_nothing_whatever_its_own_class_says(judge: Judge) -> None:
    always = (
        "class E:\n    def __eq__(self, o): return True\n    a = property(lambda self: E())\ndef f(x): return E()\n"
    )
    for wanted in ("4", "None", "candidate(2)", "candidate(2).a", "[]"):
        check = f"def check(candidate):\n    assert candidate(2) == {wanted}\n"
        assert verdict_of(judge, check, always, always).kind == "wrong_answer", wanted


def test_what_one_call_returned_is_an_argument_of_the_next(ask: Ask) -> None:
    twice = "def check(candidate):\n    assert candidate(candidate(None)) == 'made'\n"
    code = "class C:\n    pass\ndef f(x):\n    return C() if x is None else 'made' if type(x) is C else 'lost'\n"
    assert ask(code, twice).passed


def test_an_endless_answer_that_is_handed_back_is_the_programs_own_doing(ask: Ask) -> None:
    verdict = ask(
        "import itertools\ndef f(x):\n    return itertools.count()\n", "def check(c):\n    assert c(c(1)) == 1\n"
    )
    assert verdict.kind == "wrong_answer"
    assert "cannot use what the candidate returned" in verdict.error


def test_a_type_is_an_argument(ask: Ask) -> None:
    check = (
        "def check(candidate):\n    assert candidate([1, 'a'], int) == [1]\n    assert candidate([None], type(None))\n"
    )
    assert ask("def f(xs, kind):\n    return [x for x in xs if type(x) is kind]\n", check).passed


def test_a_module_that_the_reference_imports_is_the_tests_own(judge: Judge) -> None:
    reference = "import sys\ndef f(x):\n    return sys.getsizeof(x)\n"
    check = "def check(candidate):\n    assert candidate((1, 2)) == sys.getsizeof((1, 2))\n"
    assert verdict_of(judge, check, reference, reference).passed
    liar = "class sys:\n    getsizeof = lambda x: 1\ndef f(x):\n    return 1\n"
    assert verdict_of(judge, check, liar, reference).kind == "wrong_answer"


def test_names_that_nobody_defines_are_not_borrowed() -> None:
    check = "import math\ndef check(candidate, n=1):\n    x = [y for y in helper(n)]\n    assert f(Pair, x, math, q)\n"
    suite = TestSuite(check, "f", "def helper(n):\n    return n\n", reference=WIDTH)
    assert borrowed_names(suite) == ("Pair",)
    assert borrowed_names(TestSuite("def check(:", "f", "", WIDTH)) == ()
