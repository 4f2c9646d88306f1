"""What only a memory in a file can do wrong."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.memory.making import entry, hashed, query
from tests.memory.test_kills import agree

from banchu.core.errors import DataError, StorageError
from banchu.memory import Selection
from banchu.memory.lasting import SqliteMemory
from banchu.models.embedding.hashed import HashedEmbedder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "memory.sqlite"


async def test_what_was_remembered_is_there_tomorrow(path: Path) -> None:
    memory = SqliteMemory(path, hashed())
    await memory.remember(entry("prime numbers"))
    await memory.aclose()
    memory = SqliteMemory(path, hashed())
    (hit,) = (await memory.recall(query("prime"))).hits
    assert (hit.lexical_rank, hit.dense_rank) == (1, 1)
    await memory.aclose()


async def test_two_that_are_open_see_what_the_other_does(path: Path) -> None:
    ours, theirs = SqliteMemory(path, hashed()), SqliteMemory(path, hashed())
    await ours.remember(entry("prime numbers", "train/1"))
    assert len((await theirs.recall(query("prime"))).hits) == 1
    await theirs.remember(entry("prime suspects", "train/2"), entry("prime numbers are odd but one", "train/1"))
    assert set((await ours.recall(query("prime"))).texts) == {"prime suspects", "prime numbers are odd but one"}
    assert (await theirs.recall(query("suspects", k=1))).texts == ("prime suspects",)
    await ours.forget(Selection(task="train/2"))
    assert (await theirs.recall(query("suspects", k=1))).texts == ("prime numbers are odd but one",)
    for memory in (ours, theirs):
        await memory.aclose()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT entries FROM pools").fetchall() == [(1,)]


async def test_many_at_once_from_two_that_are_open(path: Path) -> None:
    both = [SqliteMemory(path, hashed()) for _ in range(2)]
    await asyncio.gather(*(both[i % 2].remember(entry(f"edges {i}", f"train/{i}")) for i in range(40)))
    kept = await both[0].entries(Selection())
    assert len(kept) == 40
    for memory in both:
        await memory.aclose()
    agree(path, kept)


async def test_one_batch_that_says_the_same_twice_leaves_no_word_of_the_first(path: Path) -> None:
    memory = SqliteMemory(path, hashed())
    await memory.remember(entry("first edges"), entry("second edges"), entry("third edges", "train/2"))
    kept = await memory.entries(Selection())
    await memory.aclose()
    assert [each.text for each in kept] == ["second edges", "third edges"]
    agree(path, kept)


async def test_all_or_none(path: Path) -> None:
    class Short(HashedEmbedder):
        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return (await super().embed(texts))[:1]

    memory = SqliteMemory(path, Short())
    with pytest.raises(IndexError):
        await memory.remember(entry("fine"), entry("without a vector", "train/2"))
    assert await memory.entries(Selection()) == []
    await memory.remember(entry("fine"))
    assert (await memory.recall(query("fine"))).texts == ("fine",)
    await memory.aclose()


async def test_vectors_of_another_embedder_are_not_compared_and_words_still_find(path: Path) -> None:
    for embedder in (None, hashed(), HashedEmbedder(64)):
        memory = SqliteMemory(path, embedder)
        await memory.remember(entry("prime numbers", f"train/{embedder and embedder.id}"))
        await memory.aclose()
    memory = SqliteMemory(path, HashedEmbedder(64))
    hits = (await memory.recall(query("prime numbers"))).hits
    assert all(hit.lexical_rank for hit in hits)
    assert len(hits) == 3
    assert sum(hit.similarity is not None for hit in hits) == 1
    await memory.aclose()


async def test_an_embedder_that_changes_its_width_under_one_name_is_caught(path: Path) -> None:
    class Fickle(HashedEmbedder):
        @property
        def id(self) -> str:
            return "fickle"

        async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self._dims += 1
            return await super().embed(texts)

    memory = SqliteMemory(path, Fickle())
    await memory.remember(entry("a", "train/1"))
    await memory.remember(entry("b", "train/2"))
    with pytest.raises(DataError, match="vectors are"):
        await memory.recall(query("a"))
    await memory.aclose()


async def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database " * 100)
    with pytest.raises(DataError, match=r"notes\.txt.*no memory of banchu"):
        SqliteMemory(text)
    assert text.read_text() == "no database " * 100
    other = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE meta (key, value)")
        db.execute("INSERT INTO meta VALUES ('format', 'a ledger')")
        db.commit()
    with pytest.raises(DataError, match=r"is a ledger, this banchu reads banchu memory 1"):
        SqliteMemory(other)
    with pytest.raises(StorageError, match="name another file"):
        SqliteMemory(text / "below" / "a.sqlite")
    with pytest.raises(StorageError, match="name another file"):
        SqliteMemory(tmp_path)


async def test_a_closed_one_says_so(path: Path) -> None:
    memory = SqliteMemory(path)
    await memory.aclose()
    with pytest.raises(StorageError, match="is closed"):
        await memory.recall(query())


async def test_a_query_of_thousands_of_words_and_none(path: Path) -> None:
    memory = SqliteMemory(path)
    await memory.remember(entry("w7 edges"))
    long = " ".join(f"w{i}" for i in range(5000))
    assert (await memory.recall(query(long))).hits
    await memory.remember(*(entry(f"w{i} corners", f"train/{i}") for i in range(9, 2009)))
    assert len((await memory.recall(query(long, k=2000))).hits) >= 1000
    assert (await memory.recall(query('" OR * NEAR(edges) -'))).hits
    assert (await memory.recall(query(" \t ?!"))).hits == ()
    await memory.aclose()
