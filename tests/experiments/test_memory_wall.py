"""The wall with memory on: garbage tests change nothing, and planted leaks are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.experiments.remembering import ACROSS, HALF, TASK, recalls
from tests.experiments.tooling import caller, kit

from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import Arm
from banchu.experiments.jobs import Job
from banchu.experiments.recalls import SEARCHED
from banchu.experiments.remembering import RunMemory
from banchu.experiments.split import split_of
from banchu.memory import Entry, Pool, Query
from banchu.memory.recall import Recall, WallBroken


async def test_garbage_tests_change_nothing_that_is_remembered(lab: Any) -> None:
    """Trajectories here hold the recalls, scores and all."""
    arms = f"{ACROSS},{TASK}+successes=only,intrinsic+memory=across+halflife=1+control=shuffled"
    await lab.run("true", lab.tasks(6), arms=arms, **HALF)
    garbage = with_garbage_tests(lab.tasks(6))
    await lab.run("garbage", garbage, arms=arms, model=lab.fickle(), **HALF)
    assert lab.trajectories("garbage") == lab.trajectories("true")
    assert sum(row.place > 0 for rows in recalls(lab, "true").values() for row in rows) >= 6


@pytest.mark.slow
async def test_garbage_tests_change_nothing_under_any_memory_and_source(lab: Any) -> None:
    sources = ("intrinsic", "self_tests", "visible_tests", "execution", "placebo+window=1")
    memories = (
        *(
            "across",
            "across+control=shuffled",
            "across+control=empty",
            "across+successes=only+k=1",
            "across+halflife=1",
        ),
        *("task", "task+successes=only", "task+control=empty"),
    )
    texts = [f"{source}+memory={memory}" for source in sources for memory in memories]
    extra = ["self_tests+search=tree+width=2+memory=across", "visible_tests+choose=majority+memory=task"]
    arms = [Arm.parse(text).name for text in [*texts, *extra]]
    assert not any(Arm.parse(arm).uses_oracle for arm in arms)
    await lab.run("true", lab.tasks(6), arms=",".join(arms), **HALF)
    await lab.run("garbage", with_garbage_tests(lab.tasks(6)), arms=",".join(arms), model=lab.fickle(), **HALF)
    assert lab.trajectories("garbage") == lab.trajectories("true")
    assert {arm for _, arm, _ in recalls(lab, "true")} == {*arms}


def verdict_as_outcome(patch: pytest.MonkeyPatch) -> None:
    """Lessons of episodes that passed the sealed tests are the ones that are kept."""
    honest = RunMemory._written

    def written(self: RunMemory, arm: Arm, jobs: list[Job]) -> list[Entry]:
        self._journal.flush()
        right = {e.task_id for e in self._ledger.episodes() if (v := e.attempts[-1].verdict) and v.passed}
        return [entry for entry in honest(self, arm, jobs) if entry.task in right]

    patch.setattr(RunMemory, "_written", written)


async def test_a_verdict_that_chooses_what_is_remembered_is_seen(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict_as_outcome(monkeypatch)
    await lab.run("true", lab.tasks(6), arms=ACROSS, **HALF)
    await lab.run("garbage", with_garbage_tests(lab.tasks(6)), arms=ACROSS, model=lab.fickle(), **HALF)
    assert lab.trajectories("garbage") != lab.trajectories("true")


def same_task(query: Query, entry: Entry) -> Entry:
    """A memory of the same task, across tasks."""
    return replace(entry, task=query.task, split="train")


def same_prompt(query: Query, entry: Entry) -> Entry:
    """The same task under another id."""
    return replace(entry, task="Other/1", cue=query.text)


def another_arm(query: Query, entry: Entry) -> Entry:
    """What an oracle arm wrote, in an arm without."""
    return replace(entry, pool=Pool(entry.pool.scope, entry.pool.key, "oracle_trace+memory=across"), oracle=True)


def a_reader(query: Query, entry: Entry) -> Entry:
    """What another task that is measured wrote."""
    return replace(entry, split="test")


@pytest.mark.parametrize("plant", [same_task, same_prompt, another_arm, a_reader])
async def test_a_lesson_from_beyond_the_wall_stops_the_run(
    lab: Any, monkeypatch: pytest.MonkeyPatch, plant: Callable[[Query, Entry], Entry]
) -> None:
    """A store that would answer with it; no recall can be built, and nobody is told."""
    from banchu.memory.inprocess import InProcessMemory

    async def leaky(self: InProcessMemory, query: Query) -> Recall:
        from banchu.memory import Hit

        entry = next(iter(self._entries.values()))
        return Recall(query, (Hit(plant(query, entry), 1.0),))

    monkeypatch.setattr(InProcessMemory, "recall", leaky)
    with pytest.raises(WallBroken):
        await lab.run("leaky", lab.tasks(4), arms=ACROSS, rounds=2, memory_train=2)
    assert recalls(lab, "leaky") == {}


async def test_search_memory_does_not_know_the_task_under_another_name(lab: Any) -> None:
    tasks = {pair.task.id: pair.task for pair in lab.tasks(2).tasks}
    runner = lab.runner("run", lab.tasks(2), ACROSS, rounds=1, memory_train=1)
    (train,), (test,) = split_of(runner.config).train, split_of(runner.config).test
    memory, job = runner._memory, Job(test, Arm.parse(ACROSS), 0)
    pool = Pool("run", "repeat 0", ACROSS)
    twin = Entry("the same", pool, "Other/1", "train", "a", 0, cue=f" {tasks[test].prompt}\n")
    other = Entry("another", pool, train, "train", "b", 0, cue=tasks[train].prompt)
    await memory._remember(job.arm, [twin, other])
    words = tasks[test].prompt.split()
    found = await memory.find(job, " ".join([*words[::-1], *tasks[train].prompt.split()]), 5)
    assert found.texts == ("another",)
    runner._close()


async def test_search_memory_reads_what_its_arm_may_and_says_so_in_the_ledger(lab: Any) -> None:
    search = ("search_memory", {"question": "a list of numbers"})
    arms = f"{ACROSS}+tools=actor,visible_tests+tools=actor"
    values: dict[str, Any] = {"rounds": 1, "memory_train": 3}
    for name, tasks in (("true", lab.tasks(6)), ("garbage", with_garbage_tests(lab.tasks(6)))):
        await lab.run(name, tasks, arms=arms, model=caller(lab, search), kit=kit("search_memory"), **values)
    assert lab.trajectories("garbage") == lab.trajectories("true")
    split = split_of(lab.config(lab.tasks(6), arms, **values))
    answered = 0
    for (task, arm, _), told in lab.trajectories("true").items():
        found = [row for row in told["recalls"] if row.place >= SEARCHED]
        answers = "".join(call.result for call in told["tools"])
        assert [row.place for row in found] == [*range(SEARCHED, SEARCHED + len(found))]
        assert all(row.text in answers and row.about in split.train for row in found)
        assert bool(found) <= (arm == f"{ACROSS}+tools=actor" and task in split.test)
        answered += len(found)
    assert answered >= 3
