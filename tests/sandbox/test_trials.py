"""Attempts that are judged more than once: time-outs, slow references, candidates that are right by luck."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from banchu.core.errors import ConfigError
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, Limits
from banchu.sandbox.trials import Trials

CHECK = "def check(candidate):\n    assert candidate(2) == 4\n"
RIGHT = "def f(x):\n    return x * x\n"


def burns(cpu_s: float) -> str:
    return f"import time\nwhile time.process_time() < {cpu_s}:\n    pass\n{RIGHT}"


@pytest.mark.slow
def test_a_task_whose_reference_is_slow_gives_more_time() -> None:
    slow = burns(0.2)
    with Judge(Limits(cpu_s=0.1, cpu_factor=2.0, wall_s=6.0), slots=1) as judge:
        alone = SealedTests(TestSuite(CHECK, "f", "", ""))
        assert judge.judge_sync(alone, slow).kind == "timed_out"
        beside = SealedTests(TestSuite(CHECK, "f", "", reference=burns(0.12)))
        assert judge.judge_sync(beside, slow).passed
        wrong = SealedTests(TestSuite(CHECK, "f", "", reference=f"{burns(0.12)}\ndef f(x):\n    return 0\n"))
        assert judge.judge_sync(wrong, slow).kind == "timed_out"  # such a reference says nothing


def test_scaled_limits_are_whole_seconds_and_never_less() -> None:
    limits = Limits(cpu_s=2.0, wall_s=20.0, cpu_factor=10.0)
    assert limits.scaled(0.01) == limits
    assert limits.scaled(0.28).cpu_s == 3.0
    assert limits.scaled(0.28).wall_s == 30.0


def test_a_time_out_is_tried_once_more_and_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    once = Trials._once

    def spy(*arguments: object, stepwise: bool = False, **named: object) -> object:
        seen.append(stepwise)
        return once(*arguments, stepwise=stepwise, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Trials, "_once", spy)
    with Judge(Limits(cpu_s=1.0, wall_s=0.4), slots=1) as judge:
        sealed = SealedTests(TestSuite(f"{CHECK}    assert candidate(3) == 9\n", "f", "", ""))
        late = "import time\ndef f(x):\n    time.sleep(5 if x == 3 else 0)\n    return x * x\n"
        verdict = judge.judge_sync(sealed, late)
    assert (verdict.kind, verdict.tests_passed, verdict.tests_total) == ("timed_out", 1, 2)
    assert seen == [False, True]


def test_a_program_that_is_right_by_luck_is_flaky_where_verdicts_are_confirmed() -> None:
    assert [random.Random(seed).random() > 0.8 for seed in range(3)] == [True, False, True]
    lucky = "import random\nluck = random.random()\ndef f(x):\n    return x * x if luck > 0.8 else 0\n"
    sealed = SealedTests(TestSuite(CHECK, "f", "", ""))
    with Judge(slots=1) as judge:
        assert judge.judge_sync(sealed, lucky).passed
    with Judge(slots=1, confirm=3) as judge:
        verdict = judge.judge_sync(sealed, lucky)
        assert (verdict.kind, verdict.passed) == ("flaky", False)
        assert verdict.error.startswith("judged 3 times: passed 2 x, wrong_answer 1 x")
        assert judge.judge_sync(sealed, RIGHT).passed
        assert judge.judge_sync(sealed, "def f(x):\n    return 0\n").kind == "wrong_answer"


def test_hashes_and_random_numbers_are_the_same_each_time() -> None:
    program = "import random\nprint(hash('a'), random.random(), {'x', 'y', 'z'})\n"
    sealed = SealedTests(TestSuite(CHECK, "f", "", ""))
    said = set()
    for number in range(2):
        with Judge(slots=1) as judge:
            said.add(judge.judge_sync(sealed, f"{program}{RIGHT}# {number}\n").stdout)
    assert len(said) == 1


def test_fewer_than_one_trial_is_refused() -> None:
    with pytest.raises(ConfigError, match="confirm=0 is too few"):
        Judge(confirm=0)


def test_no_trace_of_a_judge_is_left_in_control_groups() -> None:
    before = _groups()
    with Judge(slots=1) as judge:
        judge.judge_sync(SealedTests(TestSuite(CHECK, "f", "", "")), RIGHT)
    assert _groups() == before


def _groups() -> list[Path]:
    return sorted(Path("/sys/fs/cgroup").glob(f"**/banchu-{os.getpid()}-*"))
