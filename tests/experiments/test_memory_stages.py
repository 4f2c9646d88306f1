"""Writers before readers, at any speed, and runs that go on."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.experiments.facts import facts
from tests.experiments.remembering import ACROSS, ARMS, HALF, first_prompts, recalls

from banchu.core.errors import ModelError, SandboxError
from banchu.experiments.digest import digest_of
from banchu.experiments.jobs import Job
from banchu.experiments.remembering import RunMemory
from banchu.experiments.split import split_of
from banchu.memory.recall import Recall
from banchu.models.scripted import ScriptedModel


@pytest.mark.slow
async def test_what_is_told_depends_neither_on_the_clock_nor_on_how_many_run_at_once(lab: Any) -> None:
    await lab.run("many", lab.tasks(6), arms=ARMS, **HALF)
    runner = lab.runner("one", lab.tasks(6), ARMS, **HALF)
    runner._concurrency = 1
    await runner.run()
    with lab.ledger("many") as many, lab.ledger("one") as one:
        assert digest_of(many) == digest_of(one)


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
