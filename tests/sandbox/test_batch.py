"""Many judgements at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from banchu.core.errors import IsolationUnavailable
from banchu.core.sealed import SealedTests, TestSuite
from banchu.sandbox import Judge, Judged

CHECK = "def check(candidate):\n    assert candidate(2) == 4\n"
SEALED = SealedTests(TestSuite(CHECK, "f", "", ""))
BROKEN = SealedTests(TestSuite("def check(:\n", "f", "", ""))


@dataclass
class Task:
    sealed: SealedTests


def program(number: int) -> str:
    return f"def f(x):\n    return x * x + {number % 3}\n# {number}\n"


def pairs(count: int) -> list[tuple[SealedTests | Task, str | None]]:
    return [(Task(SEALED) if number % 2 else SEALED, program(number)) for number in range(count)]


def test_each_is_judged_once_and_keeps_its_place() -> None:
    with Judge(slots=2) as judge:
        judged = list(judge.judge_many_sync(pairs(30)))
    assert sorted(each.index for each in judged) == list(range(30))
    assert all(each.verdict and each.verdict.passed == (each.index % 3 == 0) for each in judged)


async def test_the_same_asynchronously() -> None:
    async with Judge(slots=2) as judge:
        judged = [each async for each in judge.judge_many(pairs(12))]
    assert sorted(each.index for each in judged) == list(range(12))


def test_the_input_is_read_as_slots_become_free() -> None:
    read = 0

    def endless() -> Iterator[tuple[SealedTests, str]]:
        nonlocal read
        while True:
            read += 1
            yield SEALED, program(read)

    with Judge(slots=1) as judge:
        stream = judge.judge_many_sync(endless())
        assert isinstance(next(stream), Judged)
        assert read <= 8


def test_equal_programs_and_blank_ones_are_answered_too() -> None:
    with Judge(slots=1) as judge:
        judged = list(judge.judge_many_sync([(SEALED, program(0))] * 5 + [(SEALED, None), (SEALED, " ")]))
    kinds = {each.index: each.verdict and each.verdict.kind for each in judged}
    assert kinds == dict.fromkeys(range(5), "passed") | dict.fromkeys((5, 6), "no_answer")


def test_a_judgement_that_fails_leaves_only_its_own_attempt_unjudged() -> None:
    with Judge(slots=1) as judge:
        judged = {j.index: j for j in judge.judge_many_sync([(SEALED, program(0)), (BROKEN, program(0)), *pairs(3)])}
    assert judged[1].verdict is None
    assert "the sealed tests cannot be run" in judged[1].error
    assert [judged[index].verdict is not None for index in (0, 2, 3, 4)] == [True] * 4


def test_isolation_that_cannot_be_had_stops_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert os.environ["PATH"] == "/nonexistent"
    with Judge(slots=1, isolation="bwrap") as judge, pytest.raises(IsolationUnavailable, match="apt-get install"):
        list(judge.judge_many_sync(pairs(3)))
