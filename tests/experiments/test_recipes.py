"""Each published system, run: real tasks, judge and sandbox, a scripted model (a fake)."""

from __future__ import annotations

from typing import Any

import pytest

from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import Arm
from banchu.core.recipes import RECIPES

SMALL = {
    "self-consistency": "+rounds=4",
    "best-of-n": "+rounds=4",
    "self-repair": "+width=2+rounds=4",
    "lats": "+width=2+rounds=6",
}
"""Votes and trees with fewer attempts than their source has. Chains have the run's."""
ROUNDS = 2
ARMS = {name: Arm.parse(name + SMALL.get(name, "")).name for name in RECIPES if name != "self-debug-explanation"}


def episodes(lab: Any, name: str, arm: str) -> list[Any]:
    with lab.ledger(name) as ledger:
        keys = [(e.task_id, e.arm, e.repeat) for e in ledger.episodes() if e.arm == arm]
        return [ledger.episode(*key) for key in keys]


@pytest.mark.slow
async def test_every_recipe_runs_and_does_what_its_source_does(lab: Any) -> None:
    """One run of them all, since they share their samples."""
    await lab.run("all", lab.tasks(2), arms=",".join(ARMS.values()), rounds=ROUNDS)
    for name, arm in ARMS.items():
        found = episodes(lab, "all", arm)
        assert [episode.record.status for episode in found] == ["done"] * 2, name
        most = Arm.parse(arm).rounds_in(ROUNDS) + 1
        assert all(1 <= len(episode.record.attempts) <= most for episode in found), name
    what_was_shown(lab)
    how_they_searched(lab)


def what_was_shown(lab: Any) -> None:
    one_bit, results = retries(lab, "self-debug-simple"), retries(lab, "self-debug-unit-test")
    assert all("The answer failed the tests." in text and "# output:" not in text for text in one_bit)
    assert any("# output:" in text for text in results)
    for name, words in {
        "self-debug": "Explain line by line",
        "self-debug-trace": "Trace the execution",
        "ldb": "These are the blocks of its real run",
        "critic": "What is the problem with this answer",
    }.items():
        asked = prompts(lab, name, "critic")
        assert asked, name
        assert all(words in text for text in asked), name
        assert any("may be missed" in text for text in retries(lab, name)), name  # what the critic said
    assert any("[BLOCK-0]" in text for text in prompts(lab, "ldb", "critic"))
    found = [text.split("What running it found:")[1] for text in prompts(lab, "critic", "critic")]
    assert "assert " not in "".join(found)  # a value, and nobody's word on what it should be


def how_they_searched(lab: Any) -> None:
    for episode in episodes(lab, "all", ARMS["self-consistency"]):
        assert parents(episode) == [None] * 5  # whatever the run's rounds are
    for episode in episodes(lab, "all", ARMS["self-repair"]):
        programs, repairs = parents(episode)[:2], parents(episode)[2:]
        assert programs == [None] * len(programs)
        assert repairs == [0, 1, 0][: len(repairs)]  # each program in turn, and no repair of a repair
    assert any(len(parents(episode)) > 3 for episode in episodes(lab, "all", ARMS["self-repair"]))
    trees = [parents(episode) for episode in episodes(lab, "all", ARMS["lats"])]
    for tree in trees:
        assert tree[0] is None
        assert all(parent is not None and parent < round for round, parent in enumerate(tree) if round)
        assert all(tree.count(parent) <= 2 for parent in tree[1:])
    assert max(map(len, trees)) > 3


@pytest.mark.slow
async def test_garbage_in_the_sealed_tests_changes_no_recipe_that_is_realistic(lab: Any) -> None:
    arms = ",".join(arm for arm in ARMS.values() if Arm.parse(arm).realistic)
    tasks = lab.tasks(2)
    await lab.run("true", tasks, arms=arms, rounds=ROUNDS)
    await lab.run("garbage", with_garbage_tests(tasks), arms=arms, rounds=ROUNDS, model=lab.fickle())
    for arm in arms.split(","):
        true, garbage = episodes(lab, "true", arm), episodes(lab, "garbage", arm)
        assert [e.record.choices for e in true] == [e.record.choices for e in garbage], arm
    assert lab.trajectories("garbage") == lab.trajectories("true")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RECIPES)
async def test_a_recipe_runs_with_its_published_number_of_attempts(lab: Any, name: str) -> None:
    await lab.run("one", lab.tasks(2), arms=Arm.parse(name).name, rounds=RECIPES[name].rounds)
    found = episodes(lab, "one", Arm.parse(name).name)
    assert [episode.record.status for episode in found] == ["done"] * 2
    assert max(len(episode.record.attempts) for episode in found) <= RECIPES[name].rounds + 1


def parents(episode: Any) -> list[int | None]:
    return [choice.parent for choice in episode.record.choices]


def prompts(lab: Any, name: str, role: str, after: int = -1) -> list[str]:
    calls = [call for episode in episodes(lab, "all", ARMS[name]) for call in episode.calls]
    return [str(call.prompt) for call in calls if call.record.role == role and call.record.round > after]


def retries(lab: Any, name: str) -> list[str]:
    found = prompts(lab, name, "actor", after=0)
    assert found, name
    return found
