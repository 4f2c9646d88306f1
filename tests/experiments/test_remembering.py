"""Which lessons are the nearest for an episode, asked of a run's memory without running it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from banchu.core.arm import Arm
from banchu.experiments.jobs import Job
from banchu.experiments.recalls import outcome_of, records
from banchu.experiments.remembering import RunMemory
from banchu.memory import Entry, Pool, Query
from banchu.memory.recall import Hit, Recall

Opened = Callable[..., Any]
POOL = Pool("lasting", "theirs", "intrinsic")


@pytest.fixture
def opened(lab: Any) -> Opened:
    """Opens the memory of a run of one arm over three tasks, with the lessons of a file."""

    @asynccontextmanager
    async def opened(arm: str, lasting: Sequence[Entry] = (), **values: Any) -> AsyncIterator[RunMemory]:
        runner = lab.runner("run", lab.tasks(3), arm, rounds=1, **values)
        tasks = {pair.task.id: pair.task for pair in lab.tasks(3).tasks}
        try:
            yield RunMemory(runner.config, tasks, runner._ledger, runner._journal, None, lasting)
        finally:
            runner._close()

    return opened


async def test_a_file_s_lessons_on_any_task_of_the_run_are_told_to_none_of_them(lab: Any, opened: Opened) -> None:
    """By the id of another task of the run, and by its prompt under another id."""
    first, second, _ = (pair.task for pair in lab.tasks(3).tasks)
    cue = f"{second.prompt} once more"
    lessons = (
        Entry("of a task here", POOL, first.id, "train", "a", 0, cue=cue),
        Entry("of its prompt", POOL, "Else/1", "train", "b", 0, cue=f"{first.prompt}\n"),
        Entry("of another task", POOL, "Else/2", "train", "c", 0, cue=cue),
    )
    arm = "none+memory=file+k=9"
    async with opened(arm, lessons, memory_file="x") as memory:
        await memory.enter(0)
        assert (await memory.find(Job(second.id, Arm.parse(arm), 0))).texts == ("of another task",)


async def test_a_file_s_oracle_lesson_is_told_to_no_arm_that_is_not_called_so(lab: Any, opened: Opened) -> None:
    """Though whoever made the memory did not look at labels, as `check_labels` does before a run."""
    task = lab.tasks(1).tasks[0].task
    lesson = Entry("from a verdict", POOL, "Else/1", "train", "a", 0, oracle=True, cue=task.prompt[9:])
    for arm, told in (("none+memory=file", ()), ("none+memory=oracle_file", ("from a verdict",))):
        async with opened(arm, (lesson,), memory_file="x") as memory:
            await memory.enter(0)
            found = await memory.find(Job(task.id, Arm.parse(arm), 0))
            assert found.texts == told
            assert all(hit.entry.oracle for hit in found.hits)


async def test_half_a_life_later_a_younger_lesson_is_worth_more(lab: Any, opened: Opened) -> None:
    """The older of two writers has the nearer lesson; its age is counted in writers, from the last one."""
    for arm, nearest in (
        ("intrinsic+memory=across+k=1", "near and old"),
        ("intrinsic+memory=across+halflife=1+k=1", "young"),
    ):
        async with opened(arm, memory_train=2) as memory:
            split = memory._split
            job = Job(split.test[0], Arm.parse(arm), 0)
            near = memory._tasks[job.task_id].prompt
            pool = Pool("run", "repeat 0", job.arm.name)
            lessons = [
                Entry("near and old", pool, split.train[0], "train", "a", 0, order=0, cue=f"{near} once more"),
                Entry("young", pool, split.train[1], "train", "b", 0, order=1, cue=" ".join(near.split()[:8])),
            ]
            await memory._remember(job.arm, lessons)
            found = await memory.find(job)
            assert found.texts == (nearest,)
            assert found.hits[0].score == pytest.approx(1 / 61 if "old" in nearest else 0.5 / 62)


@pytest.mark.parametrize(
    ("arm", "stopped_by", "accepts", "outcome"),
    [
        ("visible_tests", "accepted", True, "accepted"),
        ("visible_tests", "rounds", False, "rejected"),
        ("execution", "rounds", None, "unknown"),
        ("intrinsic+stop=done", "done", None, "accepted"),
        ("oracle_trace", "oracle", True, "passed"),
        ("oracle_trace+stop=rounds", "rounds", True, "passed"),
        ("oracle_verdict+stop=rounds", "rounds", False, "failed"),
        ("self_tests+stop=oracle", "oracle", False, "passed"),
    ],
)
def test_how_an_episode_ended_is_said_by_what_its_arm_was_shown(
    arm: str, stopped_by: str, accepts: bool | None, outcome: str
) -> None:
    assert outcome_of(Arm.parse(arm), stopped_by, accepts) == outcome


def test_nothing_found_is_a_row_too_and_an_empty_control_keeps_the_sha_of_what_it_blanked() -> None:
    query = Query("cue", "intrinsic", "T/1", "test", "lasting")
    assert [row.place for row in records(Recall(query, ()), Arm.parse("none+memory=file"))] == [0]
    recall = Recall(query, (Hit(Entry("a lesson", Pool("lasting", "", "intrinsic"), "T/2", "train", "e", 0), 1.0),))
    (shown,) = records(recall, Arm.parse("none+memory=file"))
    (blank,) = records(recall, Arm.parse("none+memory=file+control=empty"))
    assert (shown.text, blank.text) == ("a lesson", ". ......")
    assert replace(blank, text="a lesson") == shown
