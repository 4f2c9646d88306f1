"""Episode records written as one line: `x` passed, `.` wrong, `-` no program, `?` unjudged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.experiments.conftest import Lab

from banchu.benchmarks import load_benchmark
from banchu.core import Attempt, CallRecord, EpisodeRecord, JudgedAttempt, Verdict
from banchu.core.verdict import VerdictKind
from banchu.sandbox import Judge

MARKS: dict[str, VerdictKind] = {"x": "passed", ".": "wrong_answer", "-": "no_answer"}

MakeEpisode = Callable[..., EpisodeRecord]


def make_episode(task: str, arm: str, marks: str, *, repeat: int = 0, failed: bool = False) -> EpisodeRecord:
    return EpisodeRecord(
        task_id=task,
        arm=arm,
        repeat=repeat,
        status="failed" if failed else "done",
        attempts=tuple(
            JudgedAttempt(
                Attempt(round_, "text", None if mark == "-" else "code"), Verdict(MARKS[mark]) if mark != "?" else None
            )
            for round_, mark in enumerate(marks)
        ),
        calls=tuple(CallRecord("actor", round_, 10, 5, "stop", 0, 0.5) for round_ in range(len(marks))),
        error="the server went away" if failed else "",
    )


@pytest.fixture(scope="session")
def episode() -> MakeEpisode:
    return make_episode


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run: 4 tasks, 4 arms, 2 repeats, judged; its model is a fake."""

    async def make() -> Path:
        async with Judge() as judge:
            lab = Lab(tmp_path_factory.mktemp("small"), load_benchmark("humaneval"), judge)
            await lab.run("small-run", lab.tasks(4), "none,intrinsic,self_tests,oracle_trace", rounds=2, repeats=2)
            return lab.folder / "small-run"

    return asyncio.run(make())
