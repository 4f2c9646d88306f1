"""What every memory does, be it in process, in SQLite or in a store of LangGraph's; with vectors and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.memory.making import ALL_KINDS, entry, hashed, make, query

from banchu.core.errors import ConfigError
from banchu.memory import Memory, Selection

pytestmark = pytest.mark.parametrize(("kind", "dense"), ALL_KINDS)

LESSONS = {
    "train/1": "an empty list has no largest element; check the length first",
    "train/2": "prime numbers begin at two, and one is none",
    "train/3": "compare strings without their case before counting vowels",
}


@pytest.fixture
async def memory(kind: str, dense: bool, tmp_path: Path) -> AsyncIterator[Memory]:
    memory = make(kind, tmp_path / "memory.sqlite", hashed() if dense else None)
    yield memory
    await memory.aclose()
    await memory.aclose()


async def learn(memory: Memory) -> None:
    await memory.remember(*(entry(text, task, order=i) for i, (task, text) in enumerate(LESSONS.items())))


async def test_the_nearest_comes_first_and_says_why(memory: Memory) -> None:
    await learn(memory)
    recall = await memory.recall(query("is one a prime number, or is two the first of the prime numbers?", k=1))
    (hit,) = recall.hits
    assert hit.entry.text == LESSONS["train/2"]
    assert 1 in (hit.lexical_rank, hit.dense_rank)
    assert hit.score > 0
    assert (hit.lexical_score is None) == (hit.lexical_rank is None)
    assert (hit.similarity is None) == (recall.embedder == "")


async def test_k_bounds_the_answer_and_zero_is_none(memory: Memory) -> None:
    await learn(memory)
    everything = "empty list prime numbers strings vowels"
    assert len((await memory.recall(query(everything, k=2))).hits) == 2
    assert len((await memory.recall(query(everything, k=50))).hits) == 3
    assert (await memory.recall(query(everything, k=0))).hits == ()


async def test_an_empty_memory_answers_with_nothing(memory: Memory) -> None:
    assert (await memory.recall(query())).hits == ()
    assert await memory.entries(Selection()) == []
    assert await memory.forget(Selection()) == 0
    await memory.remember()


async def test_what_is_remembered_again_replaces_what_was_there(memory: Memory) -> None:
    await memory.remember(entry("prime numbers begin at three"))
    await memory.remember(entry("even numbers end in zero"))
    await memory.remember(entry("even numbers end in zero"))
    assert [kept.text for kept in await memory.entries(Selection())] == ["even numbers end in zero"]
    assert (await memory.recall(query("prime three"))).texts in ((), ("even numbers end in zero",))
    assert (await memory.recall(query("even numbers"))).texts == ("even numbers end in zero",)


async def test_one_call_may_say_the_same_thing_twice(memory: Memory) -> None:
    await memory.remember(entry("first prime"), entry("second prime"))
    assert (await memory.recall(query("prime"))).texts == ("second prime",)


async def test_an_entry_comes_back_as_it_was(memory: Memory) -> None:
    kept = entry(
        "반추 \n 'quoted' \x00 ½", cue="def f(): ...", outcome="accepted", order=7, round=2, key="my notes", arm="none"
    )
    await memory.remember(kept)
    (found,) = await memory.entries(Selection())
    assert found.embedded_by("") == kept


async def test_forgetting_is_by_what_was_asked_for(memory: Memory) -> None:
    await learn(memory)
    await memory.remember(entry("mine", "train/1", arm="placebo"), entry("ours", "train/1", scope="run", key="r1"))
    assert await memory.forget(Selection(task="train/1", arm="intrinsic", scope="lasting")) == 1
    assert await memory.forget(Selection(scope="run", key="r2")) == 0
    assert await memory.forget(Selection(scope="run")) == 1
    left = await memory.entries(Selection())
    assert {(found.task, found.pool.arm) for found in left} == {
        ("train/2", "intrinsic"),
        ("train/3", "intrinsic"),
        ("train/1", "placebo"),
    }
    found = await memory.recall(query("empty list largest element length prime", k=9))
    assert LESSONS["train/1"] not in found.texts
    assert await memory.forget(Selection(id=left[0].id)) == 1
    assert await memory.forget(Selection()) == 2
    assert await memory.entries(Selection()) == []


async def test_entries_are_listed_oldest_first(memory: Memory) -> None:
    await memory.remember(*(entry(f"n{order}", f"train/{order}", order=order) for order in (3, 1, 2)))
    assert [found.order for found in await memory.entries(Selection(arm="intrinsic"))] == [1, 2, 3]


async def test_a_threshold_is_a_similarity(memory: Memory) -> None:
    await learn(memory)
    near = query(LESSONS["train/3"], k=3, threshold=0.9)
    if not (await memory.recall(query())).embedder:
        with pytest.raises(ConfigError, match=r"threshold=0\.9.*no embedder"):
            await memory.recall(near)
        return
    (hit,) = (await memory.recall(near)).hits
    assert hit.entry.task == "train/3"
    assert hit.similarity == pytest.approx(1, abs=1e-5)


async def test_what_comes_later_in_the_order_is_not_yet_known(memory: Memory) -> None:
    await learn(memory)
    found = await memory.recall(query("list prime strings", before=2, k=9))
    assert {hit.entry.task for hit in found.hits} <= {"train/1", "train/2"}
    assert found.hits


async def test_more_than_a_page_of_entries(memory: Memory) -> None:
    await memory.remember(*(entry(f"lesson w{i}", f"train/{i}", order=i) for i in range(620)))
    assert len(await memory.entries(Selection(scope="lasting"))) == 620
    assert "lesson w600" in (await memory.recall(query("w600", k=1))).texts
    assert await memory.forget(Selection(key="")) == 620


async def test_its_name_says_what_finds(memory: Memory) -> None:
    assert memory.id
    assert ((await memory.recall(query())).embedder in memory.id) or not (await memory.recall(query())).embedder
