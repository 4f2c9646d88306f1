"""Entries, queries and memories to test with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from langgraph.store.base import IndexConfig
from langgraph.store.memory import InMemoryStore

from banchu.core.embedder import Embedder
from banchu.memory import Entry, Memory, Outcome, Pool, Query, Scope
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.lasting import SqliteMemory
from banchu.memory.stores import StoreMemory
from banchu.models.embedding.hashed import HashedEmbedder

KINDS: Final = ("in process", "sqlite", "store")
ARM: Final = "intrinsic"


def make(kind: str, path: Path, embedder: Embedder | None = None) -> Memory:
    """A memory of this kind, with nothing in it unless the file is there."""
    if kind == "in process":
        return InProcessMemory(embedder)
    if kind == "sqlite":
        return SqliteMemory(path, embedder)
    if embedder is None:
        return StoreMemory(InMemoryStore())

    async def embed(texts: Sequence[str]) -> list[list[float]]:
        return [[float(x) for x in row] for row in await embedder.embed(list(texts))]

    return StoreMemory(InMemoryStore(index=IndexConfig(dims=256, embed=embed, fields=["text"])), embedder.id)


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
