"""Memory in a run: who reads what, the wall with memory on, going on, and the order of things."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.experiments.facts import facts
from tests.experiments.tooling import caller, kit

from banchu.analysis.export import TABLES
from banchu.analysis.export import rows as exported
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import Arm
from banchu.core.errors import ConfigError, ModelError, SandboxError
from banchu.experiments.digest import digest_of
from banchu.experiments.jobs import Job, stages_of
from banchu.experiments.recalls import SEARCHED, Recalled
from banchu.experiments.remembering import RunMemory
from banchu.experiments.split import measured_tasks, split_of
from banchu.memory import Entry, Pool, Query
from banchu.memory.recall import Recall, WallBroken
from banchu.models.embedding.hashed import HashedEmbedder
from banchu.models.scripted import ScriptedModel

ACROSS = "visible_tests+memory=across"
TASK = "visible_tests+memory=task"
SHUFFLED = "visible_tests+memory=across+k=1+control=shuffled"
ARMS = f"visible_tests,{ACROSS},{SHUFFLED},{ACROSS}+control=empty,{TASK},intrinsic+memory=across+successes=only"
HALF = {"rounds": 2, "repeats": 2, "memory_train": 3}


def recalls(lab: Any, name: str) -> dict[tuple[str, str, int], tuple[Recalled, ...]]:
    return {key: told["recalls"] for key, told in lab.trajectories(name).items() if told["recalls"]}


def first_prompts(lab: Any, name: str) -> dict[tuple[str, str, int], str]:
    return {key: told["calls"][0][2][-1][1] for key, told in lab.trajectories(name).items()}


async def test_an_episode_is_told_what_its_arm_wrote_and_the_prompt_holds_it(lab: Any) -> None:
    await lab.run("run", lab.tasks(6), arms=ARMS, **HALF)
    config = lab.config(lab.tasks(6), ARMS, **HALF)
    split, told, prompts = split_of(config), recalls(lab, "run"), first_prompts(lab, "run")
    assert len(split.train) == len(split.test) == 3
    said = {key: each["reflections"] for key, each in lab.trajectories("run").items()}
    lessons = 0
    for (task, arm, repeat), rows in told.items():
        for row in (row for row in rows if row.place):
            origin, _, wrote = row.origin.rpartition("#")
            lessons += 1
            written = said[origin, arm, int(wrote)][row.written]  # its own arm's, and no other
            if "memory=task" in arm:
                assert origin == task
                assert int(wrote) < repeat
            else:
                assert origin in split.train
                assert task in split.test
                assert int(wrote) == repeat
            if "empty" in arm:
                assert len(row.text) == len(written)
                assert not set(row.text) - {".", " ", "\n"}
            else:
                assert row.text == written
            assert f"```text\n{row.text}\n```" in prompts[task, arm, repeat]
    assert lessons >= 20
    assert all("Notes from earlier work" not in prompt for key, prompt in prompts.items() if key not in told)
    plain = {key: prompt for key, prompt in prompts.items() if key[1] == "visible_tests"}
    assert {task for task, _, _ in plain} == {*split.test}  # who reads nothing need not work on what is not measured
    assert all(rows[0].outcome == "accepted" for key, rows in told.items() if "successes" in key[1] and rows[0].place)


@pytest.mark.slow
async def test_what_is_told_depends_neither_on_the_clock_nor_on_how_many_run_at_once(lab: Any) -> None:
    await lab.run("many", lab.tasks(6), arms=ARMS, **HALF)
    runner = lab.runner("one", lab.tasks(6), ARMS, **HALF)
    runner._concurrency = 1
    await runner.run()
    with lab.ledger("many") as many, lab.ledger("one") as one:
        assert digest_of(many) == digest_of(one)


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


@pytest.mark.slow
async def test_a_run_that_goes_on_tells_the_same(lab: Any) -> None:
    """Drained in each stage; and whatever an embedder says the second time, what was told is told again."""
    whole = await lab.run("whole", lab.tasks(6), arms=ARMS, **HALF)
    assert whole.complete
    draw = random.Random(3)
    for _ in range(60):
        left = draw.randint(1, 25)

        def stop(runner: Any, left: int = left) -> None:
            attempt = runner._progress.attempt

            def counted() -> None:
                nonlocal left
                left -= 1
                attempt()
                if left == 0:
                    runner.drain()

            runner._progress.attempt = counted

        if (await lab.run("parts", lab.tasks(6), arms=ARMS, on_start=stop, **HALF)).complete:
            break
    assert facts(lab.folder / "parts" / "ledger.sqlite") == facts(lab.folder / "whole" / "ledger.sqlite")


async def test_what_was_told_is_told_again_though_another_would_be_found_now(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.run("run", lab.tasks(4), arms=ACROSS, rounds=2, memory_train=2)
    before, texts = recalls(lab, "run"), first_prompts(lab, "run")

    async def other(self: RunMemory, job: Job, *_: Any) -> Recall:
        raise AssertionError("asked again")

    monkeypatch.setattr(RunMemory, "find", other)
    import sqlite3

    with sqlite3.connect(lab.folder / "run" / "ledger.sqlite") as db:
        db.execute("UPDATE episodes SET status = 'open'")
    assert (await lab.run("run", lab.tasks(4), arms=ACROSS, rounds=2, memory_train=2)).complete
    assert (recalls(lab, "run"), first_prompts(lab, "run")) == (before, texts)


async def test_nobody_reads_before_all_writers_have_ended(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer whose examples could not be run is open; so are its arm's readers, and no others."""
    from banchu.experiments.proving import EpisodeProver

    config = lab.config(lab.tasks(4), f"visible_tests,{ACROSS}", rounds=2, memory_train=2)
    unlucky, honest = split_of(config).train[0], EpisodeProver.check

    async def check(self: EpisodeProver, *args: Any) -> Any:
        if self._task.id == unlucky:
            raise SandboxError("no cell")
        return await honest(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(EpisodeProver, "check", check)
        outcome = await lab.run("run", lab.tasks(4), arms=f"visible_tests,{ACROSS}", rounds=2, memory_train=2)
    assert outcome.open == 3
    assert {arm for _, arm, _ in recalls(lab, "run")} == set()
    assert (await lab.run("run", lab.tasks(4), arms=f"visible_tests,{ACROSS}", rounds=2, memory_train=2)).complete


async def test_what_a_stage_began_with_stands_though_a_failed_writer_comes_back(lab: Any) -> None:
    """Some readers have read by then; whoever reads later reads the same."""
    values: dict[str, Any] = {"rounds": 1, "memory_train": 3}
    late = split_of(lab.config(lab.tasks(6), ACROSS, **values)).train[0]
    name = next(pair.task.entry_point for pair in lab.tasks(6).tasks if pair.task.id == late)
    fickle = lab.fickle()

    def fails(request: Any) -> str:
        if request.role == "reflector" and name in request.prompt_text:
            raise ModelError("too busy")
        return str(fickle._replies(request))

    def wrong(request: Any) -> str:
        return "I know it not." if request.role == "actor" and name in request.prompt_text else fails(request)

    first = await lab.run("run", lab.tasks(6), ACROSS, model=ScriptedModel(wrong, id=fickle.id), **values)
    assert (first.failed, first.open) == (1, 0)
    before = facts(lab.folder / "run" / "ledger.sqlite")
    assert (await lab.run("run", lab.tasks(6), ACROSS, model=fickle, **values)).complete
    after = facts(lab.folder / "run" / "ledger.sqlite")
    assert len(after["reflections"]) > len(before["reflections"])
    assert (after["lessons"], after["memory_stages"]) == (before["lessons"], before["memory_stages"])
    assert after["recalls"] == before["recalls"]


async def test_an_embedder_has_a_say_and_a_file_is_read_but_not_of_tasks_of_this_run(lab: Any) -> None:
    tasks = lab.tasks(3)
    prompts = {pair.task.id: pair.task.prompt for pair in tasks.tasks}
    pool = Pool("run", "repeat 0", "intrinsic")
    mine = Entry("mine", pool, "HumanEval/0", "train", "a", 0, cue="other")
    hidden = Entry("the same prompt", pool, "Else/1", "train", "b", 0, cue=f"{prompts['HumanEval/0']}\n")
    far, near = (
        Entry("far", pool, "Else/2", "train", "c", 0, cue="zebra quagga"),
        Entry("near", pool, "Else/3", "train", "d", 0, cue=prompts["HumanEval/0"].replace("List", "list")),
    )
    runner = lab.runner("run", tasks, "none+memory=file+k=1", rounds=1, memory_file="x", embedder="hashed")
    journal, ledger = runner._journal, runner._ledger
    runner._memory = RunMemory(
        runner.config,
        {pair.task.id: pair.task for pair in tasks.tasks},
        ledger,
        journal,
        HashedEmbedder(),
        (mine, hidden, far, near),
    )
    await runner.run()
    told = [rows[0] for key, rows in recalls(lab, "run").items() if key[0] == "HumanEval/0"]
    assert [row.text for row in told] == ["near"]
    assert all(row.similarity is not None and row.dense_rank == 1 for row in told)


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


@pytest.mark.parametrize(
    ("arms", "values", "says"),
    [
        (ACROSS, {}, "--memory-train 0.5"),
        (ACROSS, {"memory_train": 4}, "none of 4 tasks"),
        ("intrinsic", {"memory_train": 2}, "there is none"),
        ("intrinsic", {"memory_order": 2}, "there is none"),
        ("intrinsic", {"embedder": "hashed"}, "there is none"),
        ("intrinsic", {"memory_file": "x"}, "memory=file"),
        ("none+memory=file", {}, "--memory-file FILE"),
        (f"{ACROSS}+threshold=0.5", {"memory_train": 2}, "--embedder minilm"),
        (TASK, {}, "--repeats 2"),
        (TASK, {"repeats": 2, "rounds": 0}, "--rounds 1"),
    ],
)
def test_options_that_contradict_each_other_are_refused(lab: Any, arms: str, values: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        lab.config(lab.tasks(4), arms, **values)


def test_the_order_permutes_who_is_older_and_not_who_is_measured(lab: Any) -> None:
    def config(**values: Any) -> Any:
        return lab.config(lab.tasks(20), f"visible_tests,{ACROSS}", **{"memory_train": 10, **values})

    base, turned = split_of(config()), split_of(config(memory_order=1))
    assert base.test == turned.test
    assert set(base.train) == set(turned.train)
    assert base.train != turned.train
    assert measured_tasks(config()) == base.test
    assert set(split_of(config(seed=1)).test) != set(base.test)
    assert config().digest != config(memory_order=1).digest
    writing, reading = stages_of(config())
    assert [job.task_id for job in writing if job.arm.recalls] == list(base.train)
    assert {job.arm.memory for job in reading} == {"across"}
    assert len(stages_of(lab.config(lab.tasks(3), "none,intrinsic", repeats=3))) == 1


async def test_tables_for_others_say_who_wrote_and_what_was_told(lab: Any) -> None:
    arms = f"{ACROSS},oracle_trace+memory=across"
    await lab.run("run", lab.tasks(4), arms=arms, rounds=1, memory_train=2)
    with lab.ledger("run") as ledger:
        episodes = table(ledger, "episodes")
        told = [row for row in table(ledger, "recalls") if row["place"]]
        everything = [row for row in table(ledger, "recalls", sealed=True) if row["place"]]
    train = split_of(lab.config(lab.tasks(4), arms, rounds=1, memory_train=2)).train
    assert {row["task_id"]: row["split"] for row in episodes} == {
        row["task_id"]: "train" if row["task_id"] in train else "test" for row in episodes
    }
    assert {row["oracle"] for row in told if row["arm"] == ACROSS} == {False}
    assert {row["about"] for row in told} <= {*train}
    # What an oracle arm was told may quote sealed tests.
    assert {row["lesson"] is None for row in told if row["arm"] != ACROSS} == {True}
    assert {row["lesson"] is None for row in everything} == {False}


def table(ledger: Any, name: Any, **options: bool) -> list[dict[str, Any]]:
    columns = [column.name for column in TABLES[name]]
    return [dict(zip(columns, row, strict=True)) for row in exported(ledger, name, run="r", **options)]


async def test_a_running_summary_is_made_of_the_lessons_so_far_and_shown_alone(lab: Any) -> None:
    each, one = "visible_tests+stop=rounds+window=3", "visible_tests+stop=rounds+window=3+summary=running"
    said = iter(range(1000))
    fickle = lab.fickle()

    def reply(request: Any) -> str:
        return f"Lesson {next(said)}." if request.role == "reflector" else str(fickle._replies(request))

    await lab.run("run", lab.tasks(1), arms=f"{each},{one}", model=ScriptedModel(reply, id=fickle.id), rounds=3)
    told = {arm: all_of_it for (_, arm, _), all_of_it in lab.trajectories("run").items()}
    lessons = {arm: [text for _, text in sorted(all_of_it["reflections"].items())] for arm, all_of_it in told.items()}
    prompts = {
        (arm, role, round): prompt[-1][1]
        for arm, all_of_it in told.items()
        for role, round, prompt, *_ in all_of_it["calls"]
    }
    assert lessons[each][0] == lessons[one][0]  # nothing to condense yet, so it is the same call
    assert prompts[each, "actor", 3].count("Lesson ") == 3
    assert [prompts[one, "actor", round].count("Lesson ") for round in (1, 2, 3)] == [1, 1, 1]
    assert lessons[one][2] in prompts[one, "actor", 3]
    assert f"```text\n{lessons[one][0]}\n```" in prompts[one, "reflector", 1]
    assert all(lesson in prompts[one, "reflector", 2] for lesson in lessons[one][:2])
    assert "Lesson" not in prompts[each, "reflector", 2]
