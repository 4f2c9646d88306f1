"""Lessons of a file: every one of them is there to be found, whoever wrote it and wherever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from banchu.core.arm import Arm
from banchu.experiments.jobs import Job
from banchu.experiments.remembering import RunMemory
from banchu.memory import Entry, Pool

ARM = Arm.parse("none+memory=file+k=9")


async def test_lessons_of_several_arms_and_runs_on_one_task_are_all_kept(lab: Any) -> None:
    """They share task, episode and round, by which a memory knows its entries."""
    first = Entry(
        "one", Pool("lasting", "run a", "intrinsic"), "Else/1", "test", "Else/1#0", 0, cue="a list of numbers"
    )
    others = [
        replace(first, text=text, pool=Pool("lasting", run, arm))
        for text, run, arm in (("two", "run a", "placebo"), ("three", "run b", "intrinsic"), ("four", "", "intrinsic"))
    ]
    tasks, runner = lab.tasks(1), lab.runner("run", lab.tasks(1), ARM.name, rounds=1, memory_file="x")
    public = {pair.task.id: pair.task for pair in tasks.tasks}
    memory = RunMemory(runner.config, public, runner._ledger, runner._journal, None, (first, *others))
    try:
        await memory.enter(0)
        found = await memory.find(Job("HumanEval/0", ARM, 0))
    finally:
        runner._close()
    assert sorted(hit.entry.text for hit in found.hits) == ["four", "one", "three", "two"]
    assert len({hit.entry.id for hit in found.hits}) == 4
    assert first.episode in {hit.entry.episode for hit in found.hits}  # as it was, where nothing else has its place
