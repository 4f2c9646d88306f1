"""The wall over HTTP with memory on: lessons, and what embeds them, bring nothing sealed into any request."""

from __future__ import annotations

from typing import Any

import pytest
from tests.experiments.test_memory_wall import verdict_as_outcome
from tests.experiments.test_noninterference_http import both, compare

from banchu.core.arm import SOURCES, Arm
from banchu.memory import Entry, Pool

pytestmark = pytest.mark.slow

MEMORIES = ("episode", "task", "across", "file")
LESSONS = tuple(
    Entry(
        f"lesson {n}: look at what is empty",
        Pool("lasting", "", "intrinsic"),
        f"T/{n}",
        "train",
        f"T/{n}#0",
        0,
        cue=cue,
    )
    for n, cue in enumerate(("numbers in a list", "a string of parentheses", "the mean of a list of numbers"))
)
TWICE = {"rounds": 1, "repeats": 2, "memory_train": 2}


def every_memory() -> list[Arm]:
    """Each with each source without an oracle. `random` guesses among answers, and these tasks have none."""
    writing = [f"{source}+window=1" for source in ("placebo", "intrinsic", "self_tests", "visible_tests", "execution")]
    texts = [f"{source}+memory={memory}" for source in [*writing, "tools+window=1"] for memory in MEMORIES]
    more = [
        "none+memory=file",
        "none+tools=actor+memory=file",
        "self_tests+memory=across+k=1+control=shuffled",
    ]
    return [Arm.parse(text) for text in [*texts, *more]]


async def test_garbage_tests_change_no_byte_that_a_server_sees_of_what_is_remembered(lab: Any) -> None:
    arms = every_memory()
    plain = [Arm.parse(source) for source in SOURCES]
    assert {arm.source for arm in arms} == {arm.source for arm in plain if not arm.uses_oracle and not arm.guesses}
    assert not any(arm.uses_oracle for arm in arms)
    sent = await compare(lab, arms, tasks=4, embeds=True, lasting=LESSONS, **TWICE)
    told = {(arm, row.place > 0) for (_, arm, _), each in sent.trajectories.items() for row in each["recalls"]}
    assert {(arm.name, True) for arm in arms if arm.recalls} <= told
    asked = [request for request in sent.requests if b"/v1/embeddings " in request.split(b"\r\n")[0]]
    assert len(asked) >= 4


async def test_a_verdict_that_chooses_what_is_remembered_is_seen_in_what_was_sent(lab: Any) -> None:
    arms = [Arm.parse("visible_tests+memory=across")]
    true, garbage = await both(
        lab, arms, 6, lambda patch, sealed: verdict_as_outcome(patch), **TWICE | {"memory_train": 3}
    )
    assert true.bodies != garbage.bodies
