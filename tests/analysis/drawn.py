"""Runs written as marks, and what a drawing of them holds: words, panels, and artists by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.text import Text

from banchu.analysis import summarise
from banchu.analysis.figures import ArmView, Drawing, views
from banchu.core import EpisodeRecord
from banchu.core.arm import parse_arms

from .conftest import make_episode

ARMS = "none,intrinsic,oracle_trace+stop=rounds"
MANY = f"{ARMS},oracle_stop,oracle_verdict,oracle_trace,intrinsic+stop=done"
Marks = dict[str, Sequence[str]]


def look(marks: Marks, rounds: int, *, repeats: int = 1, tasks: Sequence[str] = ()) -> tuple[ArmView, ...]:
    """The views of a run written as marks: per arm one line a task, `!` at its end for a model error, '' not run."""
    tasks = tasks or [f"HumanEval/{n}" for n in range(max(map(len, marks.values())) // repeats)]
    records = [
        make_episode(tasks[n // repeats], arm, line.rstrip("!"), repeat=n % repeats, failed=line.endswith("!"))
        for arm, lines in marks.items()
        for n, line in enumerate(lines)
        if line
    ]
    return seen(records, ",".join(marks), rounds, tasks, repeats)


def seen(
    records: list[EpisodeRecord], arms: str, rounds: int, tasks: Sequence[str], repeats: int = 1
) -> tuple[ArmView, ...]:
    summary = summarise(records, arms=parse_arms(arms), rounds=rounds, task_ids=tasks, repeats=repeats)
    return views(summary, records, parse_arms(arms), tasks)


def mixed() -> tuple[ArmView, ...]:
    """A run where most things happen."""
    return look(
        {
            "none": ["xx.", ".x.", "...", "x?x", ""],
            "intrinsic": ["xxx", "..x", "x..", ".!", "xxx"],
            "oracle_trace+stop=rounds": [".xx", "x", "...", "..x", "xxx"],
        },
        rounds=2,
    )


def words(drawing: Drawing) -> list[str]:
    texts: list[Any] = drawing.figure.findobj(Text)
    return [text.get_text() for text in texts if text.get_text()]


def panels(drawing: Drawing) -> list[Any]:
    return list(drawing.figure.axes)


def named(drawing: Drawing, label: str) -> list[Any]:
    return drawing.figure.findobj(lambda artist: artist.get_label() == label)
