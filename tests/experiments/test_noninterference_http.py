"""The wall, proven over HTTP: what an arm without an oracle sends to a server cannot depend on the sealed tests.

A stronger claim than equal trajectories. The server keeps every request whole, headers and all, and the two runs must
have sent the same ones: then nothing that is sealed has left this machine, whatever the ledger says was asked.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from typing import Any

import pytest
from tests.experiments.endpoint import Endpoint, serving
from tests.experiments.test_noninterference import every_arm, every_recipe, honest
from tests.experiments.test_planted_leaks import Plant, in_the_prompt
from tests.experiments.tooling import PYTHON, caller

from banchu.benchmarks import Benchmark
from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.arm import SOURCES, Arm
from banchu.core.chat import Request
from banchu.core.sealed import SealedTests, unseal
from banchu.experiments.progress import Silent
from banchu.experiments.runner import Runner
from banchu.models.api import body as bodies
from banchu.models.embedding.endpoint import OpenAIEmbedder
from banchu.models.openai_api import OpenAIModel

REALISTIC = [arm for arm in every_recipe() if arm.realistic]


@dataclasses.dataclass(frozen=True)
class Sent:
    """What one run did and what its server saw."""

    trajectories: dict[tuple[str, str, int], Any]
    requests: Counter[bytes]
    bodies: Counter[bytes]


def few() -> list[Arm]:
    """Every source without an oracle, with a gate and in turns."""
    plain = [Arm.parse(source) for source in SOURCES if source != "random"]
    more = [
        "none+tools=actor",
        "none+gate=self_tests",
        "none+gate=visible_tests",
        "intrinsic+review=turns",
        "self_tests+window=1",
    ]
    return honest([*plain, *map(Arm.parse, more)])


class Told(Silent):
    """Why episodes are left open."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def watch(self, runner: Runner) -> None:
        runner._progress = self

    def notice(self, text: str) -> None:
        self.notices.append(text)


async def over_http(
    lab: Any, name: str, benchmark: Benchmark, arms: list[Arm], endpoint: Endpoint, embeds: bool = False, **values: Any
) -> Sent:
    model = OpenAIModel("m", base_url=endpoint.url)
    embedder = OpenAIEmbedder("e", base_url=endpoint.url) if embeds else None
    told = Told()
    spelled = ",".join(arm.name for arm in arms)
    try:
        outcome = await lab.run(
            name, benchmark, spelled, model, on_start=told.watch, embedder=embedder, **{"rounds": 2, **values}
        )
    finally:
        await model.aclose()
        if embedder:
            await embedder.aclose()
    assert outcome.complete, told.notices
    return Sent(lab.trajectories(name), *endpoint.taken())


async def both(lab: Any, arms: list[Arm], tasks: int, leak: Any = None, **values: Any) -> tuple[Sent, Sent]:
    """The same run with the sealed tests and with garbage, before one server at one address."""
    true = lab.tasks(tasks)
    found = []
    async with serving(caller(lab, PYTHON)) as endpoint:
        for name, benchmark in (("true", true), ("garbage", with_garbage_tests(true))):
            with pytest.MonkeyPatch.context() as patch:
                if leak:
                    leak(patch, {pair.task.id: pair.sealed for pair in benchmark.tasks})
                found.append(await over_http(lab, name, benchmark, arms, endpoint, **values))
    return found[0], found[1]


async def compare(lab: Any, arms: list[Arm], tasks: int, **values: Any) -> Sent:
    true, garbage = await both(lab, arms, tasks, **values)
    assert {arm for _, arm, _ in true.trajectories} == {arm.name for arm in arms}
    assert true.bodies == garbage.bodies
    assert true.requests == garbage.requests
    assert true.trajectories == garbage.trajectories
    return true


async def test_garbage_tests_change_no_byte_that_a_server_sees(lab: Any) -> None:
    arms = few()
    assert {arm.source for arm in arms} >= {"none", "placebo", "intrinsic", "self_tests", "visible_tests", "execution"}
    sent = await compare(lab, arms, tasks=2)
    assert set(sent.requests.values()) == {1}  # and nothing is bought twice


@pytest.mark.slow
async def test_garbage_tests_change_no_byte_that_a_server_sees_in_any_arm(lab: Any) -> None:
    """And a model behind a server is asked what a model in this process is asked."""
    assert len(REALISTIC) >= 5
    arms = honest([*every_arm(), *REALISTIC])
    sent = await compare(lab, arms, tasks=3)
    await lab.run("here", lab.tasks(3), ",".join(arm.name for arm in arms), caller(lab, PYTHON), rounds=2)
    assert lab.trajectories("here") == sent.trajectories


async def test_a_leak_into_the_prompt_is_seen_in_what_was_sent(lab: Any) -> None:
    arms = [Arm.parse("placebo"), Arm.parse("intrinsic")]
    true, garbage = await both(lab, arms, 3, lambda patch, sealed: plant(lab, patch, sealed, in_the_prompt))
    assert true.bodies != garbage.bodies
    assert true.trajectories != garbage.trajectories


async def test_a_leak_that_no_ledger_shows_is_seen_in_what_was_sent(lab: Any) -> None:
    """A field that the client adds behind everybody's back: answers, prompts and decisions are all the same."""
    true, garbage = await both(lab, [Arm.parse("placebo")], 2, in_a_field)
    assert true.trajectories == garbage.trajectories
    assert true.bodies != garbage.bodies


async def test_a_leak_in_a_header_is_seen_in_what_was_sent(lab: Any) -> None:
    true, garbage = await both(lab, [Arm.parse("placebo")], 2, in_a_header)
    assert true.trajectories == garbage.trajectories
    assert true.bodies == garbage.bodies
    assert true.requests != garbage.requests


def plant(lab: Any, patch: pytest.MonkeyPatch, sealed: dict[str, SealedTests], leak: Plant) -> None:
    leak(patch, lambda task_id, code: bool(lab.judge.judge_sync(sealed[task_id], code).passed))


def in_a_field(patch: pytest.MonkeyPatch, sealed: dict[str, SealedTests]) -> None:
    """Who the user is, as the API calls it: a digest of all sealed tests."""
    honest_body = bodies.body_of

    def body_of(request: Request, model: str) -> dict[str, Any]:
        return {**honest_body(request, model), "user": digest(sealed)}

    patch.setattr("banchu.models.openai_api.body_of", body_of)


def in_a_header(patch: pytest.MonkeyPatch, sealed: dict[str, SealedTests]) -> None:
    """The key that is to make a request unique, made with a digest of all sealed tests."""
    patch.setattr("banchu.models.openai_api.idempotency_key", lambda url, body: digest(sealed))


def digest(sealed: dict[str, SealedTests]) -> str:
    return hashlib.sha256("".join(unseal(each).check for each in sealed.values()).encode()).hexdigest()
