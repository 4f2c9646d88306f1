"""Episode records written as one line: `x` passed, `.` wrong, `-` no program, `?` unjudged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from banchu.core import Attempt, CallRecord, EpisodeRecord, JudgedAttempt, Verdict
from banchu.core.verdict import VerdictKind

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
