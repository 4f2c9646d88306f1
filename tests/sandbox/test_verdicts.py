"""One test for each verdict, and for what a verdict shows."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from banchu.core.errors import ConfigError, SandboxError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import Judge, Limits
from banchu.sandbox.isolation import Isolation
from banchu.sandbox.slot import Slot
from banchu.sandbox.verdicts import Ended, verdict_of

Ask = Callable[..., Verdict]
SLEEPS = "def check(candidate):\n    assert candidate(2) == 4\n"
RIGHT = "def f(x):\n    return x * x\n"


def test_a_right_program_passes(ask: Ask) -> None:
    verdict = ask(RIGHT + "print('hello')\n")
    assert (verdict.kind, verdict.tests_passed, verdict.tests_total) == ("passed", 3, 3)
    assert verdict.stdout == "hello\n"
    assert (verdict.assertion, verdict.error, verdict.isolation) == ("", "", "namespaces")
    assert 0 < verdict.cpu_s < 1
    assert verdict.wall_s > 0


@pytest.mark.parametrize("code", [None, "", "  \n\t\n"])
def test_nothing_is_no_answer(ask: Ask, code: str | None) -> None:
    assert ask(code).kind == "no_answer"


def test_a_wrong_answer_shows_the_first_failed_assertion_and_counts_the_rest(ask: Ask) -> None:
    verdict = ask("def f(x):\n    return 2 * x if x > 2 else x * x\n")
    assert (verdict.kind, verdict.tests_passed, verdict.tests_total) == ("wrong_answer", 2, 3)
    assert verdict.assertion == "assert candidate(3) == 9"
    assert (verdict.expected, verdict.actual) == ("9", "6")


def test_computed_arguments_are_shown_as_they_were(ask: Ask) -> None:
    check = "def check(candidate):\n    for i in range(5):\n        assert candidate(i, last=[i]) == i\n"
    verdict = ask("def f(x, last):\n    return min(x, 2)\n", check)
    assert (verdict.tests_passed, verdict.tests_total) == (3, 5)
    assert verdict.assertion == "assert candidate(i, last=[i]) == i  # called f(3, last=[3])"


@pytest.mark.parametrize(
    ("assertion", "expected", "actual"),
    [
        ("9 == candidate(3)", "9", "6"),
        ("abs(candidate(3) - 9) < 1e-6", "< 1e-06", "3"),
        ("1e-6 > abs(candidate(3) - 9)", "< 1e-06", "3"),
        ("candidate(3) is None", "is None", "6"),
        ("not candidate(3)", "something false", "6"),
        ("candidate(3) in [7, 8]", "in [7, 8]", "6"),
        ("0 < candidate(3) < 5", "something true", "False"),
    ],
)
def test_expected_and_actual_of_each_kind_of_assertion(ask: Ask, assertion: str, expected: str, actual: str) -> None:
    verdict = ask("def f(x):\n    return 2 * x\n", f"def check(candidate):\n    assert {assertion}, 'told'\n")
    assert (verdict.kind, verdict.expected, verdict.actual) == ("wrong_answer", expected, actual)


def test_long_values_are_cut(ask: Ask) -> None:
    verdict = ask("def f(x):\n    return [10 ** 5000] + ['y' * 10_000] * 1000\n")
    assert verdict.actual.startswith("[<int of 16610 bits>, 'yyy")
    assert len(verdict.actual) <= 500


def test_a_raise_shows_type_message_and_the_candidates_own_lines(ask: Ask) -> None:
    verdict = ask("def g(x):\n    return {}[x]\n\n\ndef f(x):\n    return g(x)\n")
    assert verdict.kind == "raised"
    assert verdict.error == "KeyError: 2\n  line 6, in f: return g(x)\n  line 2, in g: return {}[x]"
    assert verdict.assertion == "assert candidate(2) == 4"


def test_a_raise_in_one_call_leaves_the_others_counted(ask: Ask) -> None:
    verdict = ask("def f(x):\n    return x * x if x != 3 else 1 / 0\n")
    assert (verdict.kind, verdict.tests_passed, verdict.tests_total) == ("raised", 2, 3)


def test_a_raise_that_the_tests_expect_is_right(ask: Ask) -> None:
    check = (
        "def check(candidate):\n    try:\n        candidate(-1)\n        assert False\n    except ValueError as e:\n"
        "        assert str(e) == 'negative'\n"
    )
    kind = "class Mine(ValueError):\n    pass\n"
    assert ask(f"{kind}def f(x):\n    raise Mine('negative')\n", check).passed
    assert ask("def f(x):\n    return x\n", check).kind == "wrong_answer"
    assert ask("def f(x):\n    raise TypeError\n", check).kind == "raised"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("def f(x):\n    return x +\n", "SyntaxError: invalid syntax (line 2)\n  line 2, in <module>: return x +"),
        ("def g(x):\n    return x\n", "NameError: the program defines no 'f'"),
        ("f = 3\n", "TypeError: 'int' object is not callable"),
        ("def f(x):\n    return f(x)\n", "RecursionError: maximum recursion depth exceeded"),
        ("raise ValueError('at once')\n", "ValueError: at once"),
        ("def f(x):\n    assert x > 100, 'mine'\n", "AssertionError: mine"),
        ("def f(x):\n    return input()\n", "EOFError: EOF when reading a line"),
        ("x = '\0'\n", "ValueError: source code string cannot contain null bytes"),
    ],
)
def test_what_the_candidate_raises_is_raised(ask: Ask, code: str, error: str) -> None:
    verdict = ask(code)
    assert verdict.kind == "raised"
    assert error in verdict.error or ("null bytes" in error and "null bytes" in verdict.error)


@pytest.mark.parametrize(
    ("code", "message", "more"),
    [
        # Python 3.11 notices this one "in comparison", 3.12 does not say, and it fits two calls more.
        (
            "def f(x):\n    if x < -1:\n        return 0\n    return f(x + 1)\n",
            "maximum recursion depth exceeded",
            "many",
        ),
        ("def f(x, n=20):\n    return f(x, n - 1) if n else 1 / 0\n", "division by zero", "13"),
        ("def f(x, n=20):\n    if not n:\n        raise RecursionError('mine')\n    f(x, n - 1)\n", "mine", "many"),
    ],
)
def test_of_a_deep_call_nothing_is_told_that_hangs_on_the_interpreter(
    ask: Ask, code: str, message: str, more: str
) -> None:
    first, *trace = ask(code).error.split("\n")
    assert first.partition(": ")[2] == message
    assert trace[4] == f"  ... {more} more calls"
    assert len(trace) == 9


def test_a_comprehension_is_a_line_of_the_function_around_it(ask: Ask) -> None:
    """As Python 3.12 and later tell it; an earlier one makes it a call of its own."""
    code = "def f(x):\n    g = lambda n: [\n        1 / (n - n)\n        for n in [n]\n    ]\n"
    code += "    return [{g(n) for n in [x]} for _ in 'a']\n"
    assert ask(code).error.split("\n")[1:] == [
        "  line 6, in f: return [{g(n) for n in [x]} for _ in 'a']",
        "  line 3, in <lambda>: 1 / (n - n)",
    ]


def test_a_crash_in_c_is_raised(ask: Ask) -> None:
    verdict = ask("import ctypes\ndef f(x):\n    ctypes.string_at(0)\n")
    assert (verdict.kind, verdict.error) == ("raised", "it was killed by SIGSEGV before the tests were done")


def test_a_crash_of_the_c_stack_is_raised(ask: Ask) -> None:
    deep = "import sys\nsys.setrecursionlimit(10**8)\nclass A:\n    def __getattr__(self, n):\n        return self.x\n"
    assert ask(f"{deep}def f(x):\n    return A().x\n").kind in ("raised", "out_of_memory")


def test_a_value_that_the_tests_cannot_use_is_a_wrong_answer(ask: Ask) -> None:
    verdict = ask("def f(x):\n    pass\n", "def check(candidate):\n    assert abs(candidate(1) - 2) < 0.1\n")
    assert (verdict.kind, verdict.actual) == ("wrong_answer", "None")
    assert "TypeError: unsupported operand" in verdict.error


@pytest.mark.slow
def test_the_clocks(ask: Ask) -> None:
    assert ask("def f(x):\n    while True:\n        pass\n").error == "CPU limit of 1 s"
    judge = Judge(Limits(wall_s=0.5), slots=1)
    sleeping = judge.judge_sync(
        SealedTests(TestSuite(SLEEPS, "f", "", "")), "import time\ndef f(x):\n    time.sleep(99)\n"
    )
    assert (sleeping.kind, sleeping.error) == ("timed_out", "wall limit of 0.5 s")
    judge.close()


@pytest.mark.slow
@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: None"])
def test_a_program_that_takes_the_signal_of_its_time_limit_for_nothing_is_timed_out(ask: Ask, handler: str) -> None:
    code = f"import signal\nsignal.signal(signal.SIGXCPU, {handler})\ndef f(x):\n    while True:\n        pass\n"
    assert (verdict := ask(code)).error == "CPU limit of 1 s"
    assert verdict.cpu_s < 5


def test_how_a_program_died_tells_which_limit_it_met_however_little_time_is_accounted() -> None:
    """On a busy machine the kernel stops by ticks, which run ahead of the time that it accounts for."""
    report = {"failure": {"kind": "gone"}, "passed": 0, "total": 1, "incomplete": False}
    ended = Ended(True, -signal.SIGXCPU, killed=False, cpu_s=0.9, output="", output_bytes=0, wall_spent=False)
    assert verdict_of(report, ended, Limits(cpu_s=2.0), 3.0, "none").kind == "timed_out"
    other = replace(ended, code=-signal.SIGKILL)
    assert verdict_of(report, other, Limits(cpu_s=2.0), 3.0, "none").kind == "out_of_memory"


HANGS = TestSuite("def check(candidate):\n    for _ in candidate(1):\n        pass\n", "f", "", "")


@pytest.mark.slow
def test_tests_that_hang_on_an_answer_are_timed_out_and_the_slot_lives_on() -> None:
    """A slot by itself: a judge would try the time-out once more."""
    limits = Limits(wall_s=0.5)
    slot = Slot(Isolation(), limits)
    verdict = slot.judge(HANGS, "def f(x):\n    return range(10**18)\n", limits)
    assert verdict.kind == "timed_out"
    assert "the tests did not end" in verdict.error
    assert slot.judge(HANGS, "def f(x):\n    return [x]\n", limits).passed
    slot.close()


@pytest.mark.slow
def test_tests_that_hang_on_an_answer_are_timed_out_by_a_judge() -> None:
    judge = Judge(Limits(wall_s=0.5), slots=1)
    sealed = SealedTests(HANGS)
    verdict = judge.judge_sync(sealed, "def f(x):\n    return range(10**18)\n")
    assert verdict.kind == "timed_out"
    assert "the tests did not end" in verdict.error
    assert judge.judge_sync(sealed, "def f(x):\n    return [x]\n").passed
    judge.close()


@pytest.mark.slow
def test_the_first_failure_is_the_verdict_and_a_later_timeout_only_ends_the_count(ask: Ask) -> None:
    verdict = ask("def f(x):\n    while x < 0:\n        pass\n    return 4\n")
    assert (verdict.kind, verdict.tests_passed, verdict.tests_total) == ("wrong_answer", 1, 3)
    assert verdict.assertion == "assert candidate(3) == 9"


def test_memory_and_output(ask: Ask) -> None:
    assert ask("def f(x):\n    return 'x' * 10**9\n").kind == "out_of_memory"
    # Rows of a size that fill the memory long before the CPU limit, on a busy machine too.
    assert ask("def f(x):\n    a = []\n    while True:\n        a.append(bytes(2**20))\n").kind == "out_of_memory"
    flood = ask("def f(x):\n    print('x' * 100_000)\n    return x * x\n")
    assert (flood.kind, len(flood.stdout)) == ("output_limit", 4096)
    assert ask("def f(x):\n    return 'x' * 20_000_000\n").kind == "output_limit"


@pytest.mark.parametrize("attempt", ["os.fork()", "os.kill(1, 9)", "os.execv('/bin/sh', ['sh'])", "socket.socket()"])
def test_a_refused_system_call_is_forbidden(ask: Ask, attempt: str) -> None:
    verdict = ask(f"import os, socket\ndef f(x):\n    {attempt}\n    return x * x\n")
    assert verdict.kind == "forbidden"
    assert "PermissionError" in verdict.error


def test_tests_that_cannot_run_leave_the_attempt_unjudged(ask: Ask) -> None:
    for check in ("def check(:", "x = 1\n", "def check(candidate):\n    assert undefined(candidate) == 3\n"):
        with pytest.raises(SandboxError, match="the sealed tests cannot be run"):
            ask(RIGHT, check)
    with pytest.raises(SandboxError, match="no plain value"):
        ask(RIGHT, "def check(candidate):\n    assert candidate(object()) == 3\n")


@pytest.mark.parametrize("field", ["cpu_s", "wall_s", "memory_mib", "output_kib", "file_mib"])
def test_a_limit_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ConfigError, match=f"limit {field}=0 must be greater than 0"):
        Limits(**{field: 0})


def test_two_processes_are_refused() -> None:
    with pytest.raises(ConfigError, match="processes=2"):
        Limits(processes=2)


def test_texts_hold_no_character_that_a_terminal_obeys(ask: Ask) -> None:
    verdict = ask("print('\\x1b[2J\\x9b')\ndef f(x):\n    raise ValueError('\\x1b]0;owned\\x07 \\ud800 \\r\\n')\n")
    assert verdict.stdout == "\\x1b[2J\\x9b\n"
    assert "\\x1b]0;owned\\x07 ? \\x0d\n" in verdict.error
