"""The wall, proven: what an arm without an oracle does cannot depend on the sealed tests."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from banchu.benchmarks import BenchmarkTask
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import SOURCES, STOP_RULES, Arm
from banchu.core.errors import ConfigError
from banchu.core.recipes import RECIPES
from banchu.core.sealed import SealedTests, TestSuite
from banchu.core.task import Task


def every_arm() -> list[Arm]:
    """All sources under all stop rules, with and without memory, and the arms below. But not `random`, which needs
    tasks of another kind (see below)."""
    texts = (f"{source}+stop={stop}+window={n}" for source in SOURCES for stop in STOP_RULES for n in (0, 1, 3))
    found = [arm for text in texts if (arm := meant(text)) and arm.source != "random"]
    return list(dict.fromkeys([*found, *map(Arm.parse, OPTIONS), *every_recipe()]))


def meant(text: str) -> Arm | None:
    try:
        return Arm.parse(text)
    except ConfigError:
        return None


def every_recipe() -> list[Arm]:
    """Each published system, in as many rounds as the run has, and no wider than can be seen in those."""
    arms = [Arm.parse(name) for name in RECIPES]
    return [replace(arm, rounds=None, width=min(arm.width, 2) if arm.searches else arm.width) for arm in arms]


OPTIONS = (
    "none+gate=self_tests",
    "none+gate=self_tests+tests=1",
    "none+gate=visible_tests",
    "none+gate=visible_tests+stop=same",
    "none+gate=self_tests+stop=rounds",
    "none+gate=self_tests+stop=oracle",
    "self_tests+tests=1",
    "intrinsic+review=turns",
    "intrinsic+review=turns+valence=leading+stop=same",
    "intrinsic+review=turns+stop=oracle",
    "none+choose=majority",
    "none+gate=self_tests+choose=best",
    "none+gate=visible_tests+choose=majority+stop=rounds",
    "intrinsic+choose=majority",
    "execution+choose=majority+window=0",
    "visible_tests+show=verdict",
    "self_tests+show=verdict+explain=code",
    "visible_tests+explain=trace+choose=best",
    "self_tests+explain=blocks",
    "execution+explain=critique",
    "self_tests+search=tree+width=2+rounds=4",
    "visible_tests+search=tree+width=1+choose=majority+stop=rounds+rounds=4",
    "self_tests+search=repair+width=2+rounds=4",
    "intrinsic+search=repair+width=2+rounds=4",
    "oracle_trace+search=repair+width=2+stop=rounds+rounds=4",
    "oracle_verdict+search=repair+width=2+rounds=4",
    "self_tests+search=tree+width=2+stop=oracle+choose=last+rounds=4",
    "visible_tests+explain=code+stop=oracle",
)
"""Arms that differ from the others by more than stop and memory."""
EACH_OPTION = (
    *("stop=rounds", "stop=accepted", "stop=done", "stop=same", "window=0", "window=3", "review=turns"),
    *("gate=self_tests", "gate=visible_tests", "show=verdict", "choose=best", "choose=majority"),
    *("explain=code", "explain=trace", "explain=blocks", "explain=critique"),
    *("search=repair+width=2", "search=tree+width=2"),
)


async def test_garbage_tests_change_nothing_in_arms_without_an_oracle(lab: Any) -> None:
    """Every source, option and recipe; votes and runs by blocks, which are dear, as the recipes have them.

    Under all stop rules, with all memories and in all pairs: the slow tests.
    """
    arms = [arm for arm in honest(every_arm()) if arm.stop in ("rounds", "accepted") and "window" not in arm.name]
    few = [arm for arm in arms if arm.choose != "majority" and arm.explain != "blocks"]
    await compare(lab, honest([*few, *every_recipe()]), tasks=2, rounds=2)


@pytest.mark.slow
async def test_garbage_tests_change_nothing_under_any_stop_and_memory(lab: Any) -> None:
    await compare(lab, honest(every_arm()), tasks=6, rounds=3)


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_garbage_tests_change_nothing_under_any_two_options(lab: Any) -> None:
    pairs = [pair for count in (1, 2) for pair in combinations(EACH_OPTION, count)]
    texts = ["+".join((source, *pair)) for source in SOURCES for pair in pairs]
    arms = honest(arm for text in texts if (arm := meant(text)))
    assert len(arms) >= 250
    await compare(lab, arms, tasks=2, rounds=3)


def honest(arms: Iterable[Arm]) -> list[Arm]:
    return list(dict.fromkeys(arm for arm in arms if not arm.uses_oracle))


async def compare(lab: Any, arms: list[Arm], *, tasks: int, rounds: int) -> None:
    names, public = ",".join(arm.name for arm in arms), lab.tasks(tasks)
    await lab.run("true", public, arms=names, rounds=rounds)
    await lab.run("garbage", with_garbage_tests(public), arms=names, rounds=rounds, model=lab.fickle())
    true = lab.trajectories("true")
    assert {arm for _, arm, _ in true} == {arm.name for arm in arms}
    assert lab.trajectories("garbage") == true


@pytest.mark.slow
async def test_the_comparison_sees_it_in_each_arm_where_the_sealed_tests_do_have_a_say(lab: Any) -> None:
    """All arms in one run, since none can change another's (see below), and each must differ by itself."""
    arms = [arm.name for arm in every_arm() if arm.uses_oracle and "window" not in arm.name]
    tasks = lab.tasks(4)
    await lab.run("true", tasks, arms=",".join(arms), rounds=2)
    await lab.run("garbage", with_garbage_tests(tasks), arms=",".join(arms), rounds=2)
    true, garbage = lab.trajectories("true"), lab.trajectories("garbage")
    assert {arm for _, arm, _ in true} == {*arms}
    assert len(arms) >= 20
    assert [arm for arm in arms if all(true[key] == garbage[key] for key in true if key[1] == arm)] == []


@pytest.mark.slow
@pytest.mark.parametrize("arm", [arm.name for arm in every_arm() if arm.uses_oracle and arm.window < 3])
async def test_the_comparison_sees_it_in_an_arm_alone(lab: Any, arm: str) -> None:
    tasks = lab.tasks(6)
    await lab.run("true", tasks, arms=arm, rounds=3)
    await lab.run("garbage", with_garbage_tests(tasks), arms=arm, rounds=3)
    assert lab.trajectories("garbage") != lab.trajectories("true")


async def test_a_guess_may_stop_by_the_sealed_tests_and_takes_nothing_else_from_them(lab: Any) -> None:
    tasks = replace(lab.benchmark, tasks=tuple(choice_of_four(number) for number in range(6)))
    await lab.run("true", tasks, arms="random,none", rounds=4, model=lab.fickle(tasks))
    garbage = with_garbage_tests(tasks)
    await lab.run("garbage", garbage, arms="random,none", rounds=4, model=lab.fickle(tasks))
    true, other = lab.trajectories("true"), lab.trajectories("garbage")
    assert all(len(other[key]["attempts"]) == 5 for key in other)  # no guess passes garbage
    for key in true:
        stopped = true[key]["attempts"]
        assert stopped == other[key]["attempts"][: len(stopped)]
        assert key[1] == "random" or true[key] == other[key]
    assert any(episode["stopped_by"] == "oracle" for episode in true.values())


def choice_of_four(number: int) -> BenchmarkTask:
    """A task whose answers are few."""
    name, prompt = f"pick_{number}", f'def pick_{number}():\n    """One of four letters."""\n'
    reference = f"def {name}():\n    return {'ABCD'[number % 4]!r}\n"
    check = f"def check(candidate):\n    assert candidate() == {'ABCD'[number % 4]!r}\n"
    task = Task(f"HumanEval/{number}", "pick", prompt, name, answers=("'A'", "'B'", "'C'", "'D'"))
    return BenchmarkTask(task, SealedTests(TestSuite(check, name, prompt, reference)))


async def test_the_order_of_tasks_and_arms_changes_nothing(lab: Any) -> None:
    tasks = lab.tasks(4)
    backwards = replace(tasks, tasks=tasks.tasks[::-1])
    await lab.run("forwards", tasks, arms=",".join(IN_ORDER))
    await lab.run("backwards", backwards, arms=",".join(IN_ORDER[::-1]))
    assert lab.trajectories("forwards") == lab.trajectories("backwards")


IN_ORDER = (
    *("none", "intrinsic", "self_tests", "oracle_trace", "self_tests+search=tree+width=2+rounds=4"),
    *("visible_tests+explain=code+show=verdict", "oracle_verdict+search=repair+width=2+rounds=4"),
    "none+gate=self_tests+choose=best+rounds=4",
)


@pytest.mark.slow
async def test_no_order_of_tasks_and_arms_changes_anything(lab: Any) -> None:
    """Every arm there is, in three orders of arms and of tasks."""
    arms, tasks = [arm.name for arm in every_arm()], lab.tasks(3)
    await lab.run("as they are", tasks, arms=",".join(arms), rounds=2)
    known = lab.trajectories("as they are")
    for seed in (1, 2):
        random.Random(seed).shuffle(arms)
        shuffled = random.Random(seed).sample(tasks.tasks, len(tasks.tasks))
        await lab.run(f"shuffled {seed}", replace(tasks, tasks=tuple(shuffled)), arms=",".join(arms), rounds=2)
        assert lab.trajectories(f"shuffled {seed}") == known
