"""The wall: what a recall may hold, as a property of every memory and every query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.memory.making import ALL_KINDS, any_entry, any_query, entry, hashed, make, query

from banchu.core.arm import Arm
from banchu.core.errors import ConfigError
from banchu.core.task import Task
from banchu.memory import Entry, Hit, Query, Recall, WallBroken
from banchu.memory.writing import write


def wall(asked: Query, found: Entry) -> bool:
    """The rule again, in other words than the code's."""
    if (found.pool.scope, found.pool.key, found.pool.arm) != (asked.scope, asked.key, asked.arm):
        return False
    if found.oracle and not asked.oracle:
        return False
    if asked.before is not None and not found.order < asked.before:
        return False
    if asked.only_successes and found.outcome not in {"accepted", "passed"}:
        return False
    if asked.scope in {"episode", "task"}:
        return found.task == asked.task
    same_prompt = " ".join(found.cue.split()) == " ".join(asked.text.split()) if found.cue else False
    return found.task != asked.task and found.split != asked.split and not same_prompt


@given(any_query(), any_entry())
@settings(max_examples=150)
def test_the_rule_is_the_rule(asked: Query, found: Entry) -> None:
    assert asked.allows(found) == wall(asked, found)


@pytest.mark.parametrize(("kind", "dense"), ALL_KINDS)
@given(st.lists(any_entry(), max_size=12), st.lists(any_query(), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_every_answer_keeps_the_wall_and_leaves_out_nothing_else(
    kind: str, dense: bool, entries: Sequence[Entry], asked: Sequence[Query]
) -> None:
    async def check() -> None:
        with TemporaryDirectory() as folder:
            memory = make(kind, Path(folder) / "m.sqlite", hashed() if dense else None)
            for each in entries:
                await memory.remember(each)
            kept = {each.id: each for each in entries}
            for question in asked:
                recall = await memory.recall(question)
                allowed = {id for id, each in kept.items() if wall(question, each)}
                assert {hit.entry.id for hit in recall.hits} <= allowed
                if dense:  # every vector is some distance away, so only k bounds the answer
                    assert len(recall.hits) == min(question.k, len(allowed))
            await memory.aclose()

    asyncio.run(check())


@given(st.lists(any_entry(), max_size=15), any_query(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_sqlite_finds_what_the_memory_without_a_file_finds(entries: Sequence[Entry], asked: Query, dense: bool) -> None:
    """FTS5 beside our own BM25: two ways to the same numbers."""

    async def check() -> None:
        with TemporaryDirectory() as folder:
            found = []
            for kind in ("in process", "sqlite"):
                memory = make(kind, Path(folder) / "m.sqlite", hashed() if dense else None)
                await memory.remember(*entries)
                found.append(await memory.recall(asked))
                await memory.aclose()
        ours, theirs = found
        assert [hit.entry for hit in ours.hits] == [hit.entry for hit in theirs.hits]
        for one, other in zip(ours.hits, theirs.hits, strict=True):
            assert (one.lexical_rank, one.dense_rank) == (other.lexical_rank, other.dense_rank)
            assert (one.lexical_score or 0) == pytest.approx(other.lexical_score or 0, rel=1e-9)
            assert (one.similarity or 0) == pytest.approx(other.similarity or 0, abs=1e-5)

    asyncio.run(check())


@pytest.mark.parametrize("missing", ["arm", "task", "split"])
def test_a_recall_names_arm_task_and_split_or_there_is_none(missing: str) -> None:
    for nothing in ("", "  "):
        with pytest.raises(ConfigError, match=f"names no {missing}"):
            query(**{missing: nothing})
    with pytest.raises(ConfigError, match=f"{missing} .* is no Unicode"):
        query(**{missing: "\ud800"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scope": "task"}, "names no key"),
        ({"scope": "world"}, "'world' is unknown"),
        ({"k": -1}, "k=-1"),
        ({"threshold": 2}, "threshold=2"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        query(**given)


LEAKS = (
    entry("edges of another arm", arm="placebo"),
    entry("edges of the same task", task="test/1"),
    entry("edges of the same split", task="test/2", split="test"),
    entry("edges of the same prompt by another name", task="train/9", cue="  edges\n"),
    entry("edges under an oracle", task="train/8", oracle=True),
    entry("edges of another scope", scope="run", key="r"),
    entry("edges of another key", key="theirs"),
    entry("edges of a later episode", task="train/7", order=5),
    entry("edges of a failure", task="train/6", outcome="rejected"),
)
ASKED = query("edges", before=5, only_successes=True, k=50)
FINE = entry("edges that may be read", task="train/5", outcome="accepted", order=4)


@pytest.mark.parametrize(("kind", "dense"), ALL_KINDS)
async def test_one_wrong_thing_is_enough(kind: str, dense: bool, tmp_path: Path) -> None:
    memory = make(kind, tmp_path / "m.sqlite", hashed() if dense else None)
    await memory.remember(FINE, *LEAKS)
    assert (await memory.recall(ASKED)).texts == (FINE.text,)
    for leak in LEAKS[:-1]:  # each but for that one thing
        await memory.remember(replace(leak, outcome="accepted"))
    assert (await memory.recall(ASKED)).texts == (FINE.text,)
    assert len((await memory.recall(replace(ASKED, oracle=True))).hits) == 2
    assert len((await memory.recall(replace(ASKED, before=None))).hits) == 2
    assert len((await memory.recall(replace(ASKED, only_successes=False))).hits) == 2
    await memory.aclose()


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.text)
def test_a_store_that_leaks_is_caught(leak: Entry) -> None:
    with pytest.raises(WallBroken):
        Recall(ASKED, (Hit(leak, 1.0),))


def test_who_claims_no_oracle_where_there_is_one_is_refused() -> None:
    with pytest.raises(ValueError, match="'oracle_trace' uses an oracle"):
        entry(arm="oracle_trace")
    with pytest.raises(ValueError, match="'passed' comes from sealed tests"):
        entry(outcome="passed")
    assert entry(arm="oracle_trace", oracle=True).oracle
    assert not entry(arm="an arm of a later version").oracle


TASK = Task("train/1", "easy", "def f(x):\n", "f")


def note(arm: str = "intrinsic", outcome: str = "unknown", tainted: bool = False) -> Entry:
    return write(
        "mind the gap",
        arm=Arm.parse(arm),
        task=TASK,
        split="train",
        scope="lasting",
        key="",
        episode="e",
        round=0,
        outcome=outcome,  # type: ignore[arg-type]
        tainted=tainted,
    )


def test_taint_goes_from_the_oracle_to_the_reader_and_on_to_what_it_writes() -> None:
    assert not note().oracle
    assert note("oracle_stop").oracle
    assert note(outcome="failed").oracle
    assert not note(outcome="accepted").oracle
    assert note(tainted=True).oracle
    assert note().cue == TASK.prompt
    assert note("intrinsic+window=1").pool.arm == "intrinsic"
