"""Which checks are judged in one round trip, and that it makes no difference to the verdict."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from banchu.core.sealed import SealedTests, TestSuite, unseal
from banchu.core.verdict import Verdict
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.limits import Limits
from banchu.sandbox.slot import Slot
from banchu.sandbox.tester.plan import plan

LIMITS = Limits(cpu_s=1.0, wall_s=4.0, memory_mib=256)


@pytest.fixture(scope="module")
def slot() -> Iterator[Slot]:
    slot = Slot(Isolation(), LIMITS)
    yield slot
    slot.close()


PLANNED = {
    "assert candidate(2) == 4": [[((2,), {})]],
    "assert candidate(x=[1, (2, 'a')], y=-1.5) is None": [[((), {"x": [1, (2, "a")], "y": -1.5})]],
    "assert abs(candidate('a' * 3) - 9) < 1e-6": [[(("aaa",), {})]],
    "assert candidate(1) == f(2), 'told ' + str(candidate(9))": [[((1,), {}), ((2,), {})]],
    "assert True, 'nothing'\n    assert not f({1: {2}})": [[], [(({1: {2}},), {})]],
    "'a remark'\n    assert isclose(candidate(2), 4)": [[((2,), {})]],
}


@pytest.mark.parametrize("body", PLANNED)
def test_calls_on_constants_are_known(body: str) -> None:
    made = plan(f"from math import isclose\ndef check(candidate):\n    {body}\n", "def f(x):\n    pass\n", "f")
    assert made is not None
    assert [list(calls) for calls in made.calls] == PLANNED[body]
    assert made.needs_context == ("isclose" in body)


UNKNOWN = [
    "for x in range(3):\n        assert candidate(x) == x",
    "x = 3\n    assert candidate(x) == 9",
    "assert candidate(candidate(2)) == 16",
    "assert candidate(2) == 4 or candidate(3) == 9",
    "assert 0 < candidate(2) < candidate(3)",
    "assert candidate(2) if candidate(3) else 1",
    "assert [candidate(n) for n in (1, 2)] == [1, 4]",
    "assert list(map(candidate, [2])) == [4]",
    "assert helper(candidate(2)) == 4",
    "assert (lambda: candidate(2))() == 4",
    "assert eval('candidate(2)') == 4",
    "assert candidate(*[2]) == 4",
    "assert candidate(**{'x': 2}) == 4",
    "assert candidate(undefined) == 4",
    "assert candidate(1 / 0) == 4",
    "try:\n        assert candidate(2) == 4\n    except ValueError:\n        pass",
    "candidate(2)\n    assert candidate(3) == 9",
]


@pytest.mark.parametrize("body", UNKNOWN)
def test_anything_else_is_judged_call_by_call(body: str) -> None:
    assert plan(f"def check(candidate):\n    {body}\n", "def helper(x):\n    return f(x)\n", "f") is None


@pytest.mark.parametrize(
    "check",
    [
        "def check(candidate, other=1):\n    assert candidate(2) == 4\n",
        "def check(*candidate):\n    assert candidate(2) == 4\n",
        "@print\ndef check(candidate):\n    assert candidate(2) == 4\n",
        "x = f(2)\ndef check(candidate):\n    assert candidate(2) == 4\n",
        "def check(candidate):\n    assert candidate(2) == 4\ndef check(candidate):\n    pass\n",
        "class check:\n    pass\n",
    ],
)
def test_a_check_of_another_form_is_not_planned(check: str) -> None:
    assert plan(check, "", "f") is None


def test_a_name_that_the_context_binds_anew_is_not_the_builtin() -> None:
    check = "def check(candidate):\n    assert abs(candidate(2)) == 4\n"
    assert plan(check, "", "f") is not None
    assert plan(check, "def abs(x):\n    return f(x)\n", "f") is None
    assert plan(check, "abs = None\n", "f") is None


def test_most_of_humaneval_is_planned(humaneval: list[tuple[str, SealedTests, str]]) -> None:
    suites = [unseal(sealed) for _, sealed, _ in humaneval]
    planned = [plan(suite.check, suite.context, suite.entry_point) is not None for suite in suites]
    assert sum(planned) == 158


CHECK = "def check(candidate):\n" + "".join(f"    assert candidate({n}) == {n * n}\n" for n in range(6))
PROGRAMS = [
    "def f(x):\n    return x * x\n",
    "def f(x):\n    return x * x if x != 4 else 0\n",
    "def f(x):\n    return x * x if x != 4 else 1 / 0\n",
    "import os\ndef f(x):\n    return x * x if x != 4 else os._exit(0)\n",
    "def f(x):\n    return x * x if x != 4 else 'x' * (17 << 20)\n",
    "def f(x):\n    return x * x if x != 4 else object()\n",
    "def f(x):\n    print(x)\n    return x * x\n",
    "seen = []\ndef f(x):\n    seen.append(x)\n    return sum(seen)\n",
    "import ctypes\ndef f(x):\n    return x * x if x != 4 else ctypes.string_at(0)\n",
    "def f(x, y):\n    return 0\n",
    "raise ValueError\n",
    "def g(x):\n    return 0\n",
    "def f(:\n",
]


@pytest.mark.parametrize("code", PROGRAMS)
def test_the_verdict_is_the_same_either_way(slot: Slot, code: str) -> None:
    suite = TestSuite(CHECK, "f", "", "")
    assert plan(CHECK, "", "f") is not None
    at_once, stepwise = (_told(slot.judge(suite, code, LIMITS, stepwise=how)) for how in (False, True))
    assert at_once == stepwise


def _told(verdict: Verdict) -> tuple[object, ...]:
    counts = (verdict.kind, verdict.tests_passed, verdict.tests_total)
    return (*counts, verdict.assertion, verdict.expected, verdict.actual, verdict.error, verdict.stdout)
