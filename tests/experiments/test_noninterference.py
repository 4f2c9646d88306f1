"""The wall, proven: what an arm without an oracle does cannot depend on the sealed tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import SOURCES, STOP_RULES, Arm
from banchu.core.errors import ConfigError


def every_arm() -> list[Arm]:
    """All sources under all stop rules, with and without memory."""
    found = []
    for source in SOURCES:
        for stop in STOP_RULES:
            for window in (0, 1, 3):
                try:
                    found.append(Arm.parse(f"{source}+stop={stop}+window={window}"))
                except ConfigError:
                    continue
    return found + [Arm.parse(text) for text in OPTIONS]


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
)
"""Arms that differ from the others by more than stop and memory."""


async def test_garbage_tests_change_nothing_in_arms_without_an_oracle(lab: Any) -> None:
    """Every source and option; all stop rules and memories are compared in the slow test."""
    arms = [arm for arm in every_arm() if not arm.uses_oracle and arm.stop in ("rounds", "accepted")]
    await compare(lab, [arm for arm in arms if arm.window < 2], tasks=3, rounds=2)


@pytest.mark.slow
async def test_garbage_tests_change_nothing_under_any_stop_and_memory(lab: Any) -> None:
    await compare(lab, [arm for arm in every_arm() if not arm.uses_oracle], tasks=6, rounds=3)


async def compare(lab: Any, arms: list[Arm], *, tasks: int, rounds: int) -> None:
    names, public = ",".join(arm.name for arm in arms), lab.tasks(tasks)
    await lab.run("true", public, arms=names, rounds=rounds)
    await lab.run("garbage", with_garbage_tests(public), arms=names, rounds=rounds, model=lab.fickle())
    true = lab.trajectories("true")
    assert {arm for _, arm, _ in true} == {arm.name for arm in arms}
    assert lab.trajectories("garbage") == true


async def test_the_comparison_sees_it_in_each_arm_where_the_sealed_tests_do_have_a_say(lab: Any) -> None:
    """All arms in one run, since none can change another's (see below), and each must differ by itself."""
    arms = [arm.name for arm in every_arm() if arm.uses_oracle and arm.window < 3]
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


async def test_the_order_of_tasks_and_arms_changes_nothing(lab: Any) -> None:
    tasks = lab.tasks(6)
    backwards = replace(tasks, tasks=tasks.tasks[::-1])
    await lab.run("forwards", tasks, arms="none,intrinsic,self_tests,oracle_trace")
    await lab.run("backwards", backwards, arms="oracle_trace,self_tests,intrinsic,none")
    assert lab.trajectories("forwards") == lab.trajectories("backwards")
