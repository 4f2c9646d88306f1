"""Memory in a run: who is told what, and what options and tables say."""

from __future__ import annotations

from typing import Any

import pytest
from tests.experiments.remembering import ACROSS, ARMS, HALF, TASK, first_prompts, recalls

from banchu.analysis.columns import TABLES
from banchu.analysis.export import rows as exported
from banchu.core.errors import ConfigError
from banchu.experiments.jobs import stages_of
from banchu.experiments.split import measured_tasks, split_of, writers
from banchu.memory import Entry, Pool
from banchu.models.embedding.hashed import HashedEmbedder


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
    lessons = (mine, hidden, far, near)
    await lab.run("run", tasks, "none+memory=file+k=1", rounds=1, embedder=HashedEmbedder(), lasting=lessons)
    told = [rows[0] for key, rows in recalls(lab, "run").items() if key[0] == "HumanEval/0"]
    assert [row.text for row in told] == ["near"]
    assert all(row.similarity is not None and row.dense_rank == 1 for row in told)


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


@pytest.mark.parametrize("given", ["nan", "inf", "-1", "1.5", "0", "x", "1e400"])
def test_how_many_write_is_a_number_or_a_fraction(given: str) -> None:
    with pytest.raises(ConfigError, match=f"--memory-train {given} is neither"):
        writers(given, 4)
    assert [writers(each, 4) for each in ("0.5", "3", "1e0")] == [2, 3, 1]


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
