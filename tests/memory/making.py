"""Entries, queries and memories to test with."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from langgraph.store.base import IndexConfig
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from banchu.core.embedder import Embedder
from banchu.memory import Entry, Memory, Outcome, Pool, Query, Scope
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.lasting import SqliteMemory
from banchu.memory.stores import StoreMemory
from banchu.models.embedding.hashed import HashedEmbedder

KINDS: Final = tuple((kind, dense) for kind in ("in process", "sqlite", "store") for dense in (False, True))
"""With and without vectors."""
ALL_KINDS: Final = (*KINDS, pytest.param("store on disk", False, marks=pytest.mark.slow))
ARM: Final = "intrinsic"


def make(kind: str, path: Path, embedder: Embedder | None = None) -> Memory:
    """A memory of this kind, with nothing in it unless the file is there."""
    if kind == "in process":
        return InProcessMemory(embedder)
    if kind == "sqlite":
        return SqliteMemory(path, embedder)
    if kind == "store on disk":
        return OnDisk(path)
    if embedder is None:
        return StoreMemory(InMemoryStore())

    async def embed(texts: Sequence[str]) -> list[list[float]]:
        return [[float(x) for x in row] for row in await embedder.embed(list(texts))]

    return StoreMemory(InMemoryStore(index=IndexConfig(dims=256, embed=embed, fields=["text"])), embedder.id)


class OnDisk(StoreMemory):
    """LangGraph's own store in a file, which blocks. It embeds where Python's sqlite3 loads extensions, so not here."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA synchronous=OFF")
        super().__init__(SqliteStore(self._db), in_thread=True)

    async def aclose(self) -> None:
        self._db.close()


def hashed() -> HashedEmbedder:
    return HashedEmbedder()


def entry(text: str = "look at the edges", task: str = "train/1", **given: Any) -> Entry:
    """An entry of the lasting memory, about a task of the split `train`, unless told otherwise."""
    pool = Pool(given.pop("scope", "lasting"), given.pop("key", ""), given.pop("arm", ARM))
    usual = {"split": "train", "episode": f"{task}#0", "round": 0}
    return Entry(text, pool, task, **{**usual, **given})


def query(text: str = "edges", task: str = "test/1", split: str = "test", **given: Any) -> Query:
    return Query(text, given.pop("arm", ARM), task, split, given.pop("scope", "lasting"), **given)


def _few(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


TEXTS: Final = st.lists(
    st.sampled_from(
        ["sort", "list", "empty", "edge", "off_by_one", "negative", "maxValue", "경계", "string", "return"]
    ),
    min_size=1,
    max_size=8,
).map(" ".join)


# Mostly the same pool: in one of many there would be too few entries for anything to go wrong.
SCOPE: Final = st.sampled_from(tuple[Scope, ...](("lasting", "lasting", "lasting", "task")))
KEY: Final = _few("a", "a", "a", "b")
WRITER: Final = _few("intrinsic", "intrinsic", "intrinsic", "placebo")


@st.composite
def any_entry(draw: st.DrawFn) -> Entry:
    """Few names, so that entries meet queries often, and each other."""
    scope: Scope = draw(SCOPE)
    outcome: Outcome = draw(st.sampled_from(("unknown", "accepted", "rejected", "passed")))
    return Entry(
        draw(TEXTS),
        Pool(scope, draw(KEY), draw(WRITER)),
        draw(_few("t1", "t2", "t3")),
        draw(_few("train", "test")),
        draw(_few("e1", "e2")),
        draw(st.integers(0, 2)),
        draw(st.integers(0, 4)),
        outcome,
        outcome == "passed" or draw(st.booleans()),
        draw(st.one_of(st.just(""), TEXTS)),
    )


@st.composite
def any_query(draw: st.DrawFn) -> Query:
    return Query(
        draw(TEXTS),
        draw(WRITER),
        draw(_few("t1", "t2", "t3")),
        draw(_few("train", "test")),
        draw(SCOPE),
        draw(KEY),
        k=draw(st.integers(0, 6)),
        before=draw(st.one_of(st.none(), st.integers(0, 4))),
        only_successes=draw(st.booleans()),
        oracle=draw(st.booleans()),
    )
