"""Each recall of lessons is a span: of which memory, how many were asked for and found, and how near they were."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from tests.experiments.collector import Seen, collecting
from tests.experiments.remembering import ACROSS, HALF, TASK, recalls
from tests.experiments.tooling import caller, kit

from banchu.experiments.otel import names, traced

pytestmark = pytest.mark.slow


def by_episode(spans: list[Seen]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = [span for span in spans if span.name.startswith("retrieval ")]
    assert {span.told[names.OPERATION] for span in found} == {"retrieval"}
    told = {tuple(span.told[f"banchu.{part}"] for part in ("task_id", "arm", "repeat")): span.told for span in found}
    assert len(told) == len(found)
    above = {span.id: span for span in spans}
    assert all(above[span.parent].name == f"invoke_agent {span.told['banchu.arm']}" for span in found)
    return told


async def test_each_recall_is_a_span_and_a_replay_says_where_it_has_them_from(lab: Any) -> None:
    for source in ("memory", "ledger"):
        with collecting() as collector:
            with traced(collector.url, lambda line: None) as tracing:
                await lab.run("a", lab.tasks(6), f"visible_tests,{ACROSS},{TASK}", tracing=tracing, **HALF)
            told, kept = by_episode(collector.spans), recalls(lab, "a")
            assert {*told} == {*kept}
            for key, rows in kept.items():
                scores = [row.score for row in rows if row.place]
                pool = ("task", "task") if "memory=task" in key[1] else ("across", "run")
                assert (told[key]["banchu.memory.kind"], told[key]["banchu.memory.scope"]) == pool
                assert (told[key]["banchu.memory.k"], told[key]["banchu.memory.found"]) == (3, len(scores))
                assert list(told[key].get("banchu.memory.scores", ())) == scores
                assert told[key]["banchu.memory.source"] == source
            assert sum(each["banchu.memory.found"] for each in told.values()) >= 6
            texts = {row.text for rows in kept.values() for row in rows if row.text}
            assert not [text for text in texts if text.encode() in collector.raw]
        with sqlite3.connect(lab.folder / "a" / "ledger.sqlite") as db:
            db.execute("UPDATE episodes SET status = 'open'")


async def test_what_a_model_searches_itself_is_a_recall_too(lab: Any) -> None:
    model = caller(lab, ("search_memory", {"question": "a list of numbers"}))
    arm = f"{ACROSS}+tools=actor"
    with collecting() as collector:
        with traced(collector.url, lambda line: None) as tracing:
            await lab.run(
                "a", lab.tasks(6), arm, model, kit=kit("search_memory"), tracing=tracing, rounds=1, memory_train=3
            )
        found = [span.told for span in collector.spans if span.name == "retrieval across"]
    kept = [row for rows in recalls(lab, "a").values() for row in rows if row.place]
    assert sum(told["banchu.memory.found"] for told in found) == len(kept)
    assert len(found) > len(recalls(lab, "a"))
