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
    return found


async def test_garbage_tests_change_nothing_in_arms_without_an_oracle(lab: Any) -> None:
    arms = ",".join(arm.name for arm in every_arm() if not arm.uses_oracle)
    tasks = lab.tasks(6)
    await lab.run("true", tasks, arms=arms, rounds=3)
    await lab.run("garbage", with_garbage_tests(tasks), arms=arms, rounds=3, model=lab.fickle())
    assert lab.trajectories("garbage") == lab.trajectories("true")


@pytest.mark.parametrize("arm", [arm.name for arm in every_arm() if arm.uses_oracle and arm.window < 3])
async def test_the_comparison_sees_it_when_the_sealed_tests_do_have_a_say(lab: Any, arm: str) -> None:
    tasks = lab.tasks(6)
    await lab.run("true", tasks, arms=arm, rounds=3)
    await lab.run("garbage", with_garbage_tests(tasks), arms=arm, rounds=3)
    assert lab.trajectories("garbage") != lab.trajectories("true")


async def test_the_order_of_tasks_and_arms_changes_nothing(lab: Any) -> None:
    tasks = lab.tasks(6)
    backwards = replace(tasks, tasks=tasks.tasks[::-1])
    await lab.run("forwards", tasks, arms="none,intrinsic,oracle_trace")
    await lab.run("backwards", backwards, arms="oracle_trace,intrinsic,none")
    assert lab.trajectories("forwards") == lab.trajectories("backwards")
