"""A store of the user's own by `FILE.py:NAME`: every form it may have, what is said of what is none, and its marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore
from tests.memory.making import entry, query

from banchu.core.errors import BanchuError, ConfigError, DataError, StorageError
from banchu.memory import Selection
from banchu.memory.codec import encode
from banchu.memory.files import digest_of
from banchu.memory.opening import absolute, entries_at, is_store, opened
from banchu.memory.stores import ROOT, StoreMemory

SHELF = """
import contextlib
from pathlib import Path
from langgraph.store.memory import InMemoryStore as a_class
from langgraph.store.sqlite import SqliteStore
from langgraph.store.sqlite.aio import AsyncSqliteStore

FILE = str(Path(__file__).with_name("shelf.sqlite"))
itself = a_class()
blocks = SqliteStore.from_conn_string(FILE)  # a context manager whose store cannot be awaited
asynchronous = AsyncSqliteStore.from_conn_string(FILE)

def gives_it():
    return itself

def gives_a_manager():
    return SqliteStore.from_conn_string(FILE)

async def awaits_it():
    return itself

@contextlib.asynccontextmanager
async def opens_it():
    async with AsyncSqliteStore.from_conn_string(FILE) as found:
        yield found
    Path(FILE).with_name("closed").touch()

@contextlib.contextmanager
def opens_it_blocking():
    yield itself

def yields():
    yield itself

async def yields_later():
    yield itself

def wants(name):
    return itself

def gives_text():
    return "postgresql://user@host/lessons"

def fails():
    raise RuntimeError("no such host")

@contextlib.contextmanager
def fails_at_the_end():
    yield itself
    raise RuntimeError("the line is dead")
"""
FORMS = ("itself", "a_class", "blocks", "asynchronous", "gives_it", "gives_a_manager", "awaits_it", "opens_it")


@pytest.fixture
def shelf(tmp_path: Path) -> str:
    (tmp_path / "shelf.py").write_text(SHELF)
    return str(tmp_path / "shelf.py")


@pytest.mark.parametrize("name", [*FORMS, "opens_it_blocking"])
async def test_a_store_may_be_given_in_every_form(shelf: str, name: str) -> None:
    async with opened(f"{shelf}:{name}") as memory:
        await memory.remember(entry("an empty list"), entry("a full list", "train/2"))
        assert (await memory.recall(query("empty"))).texts == ("an empty list",)
        assert await memory.forget(Selection(task="train/2")) == 1
        assert [kept.text for kept in await memory.entries(Selection())] == ["an empty list"]


@pytest.mark.parametrize("name", ["blocks", "opens_it"])
async def test_what_a_lasting_store_was_told_is_there_the_next_time(shelf: str, name: str) -> None:
    kept = [
        entry("zero \x00 and half \ud800 a pair", cue="f\x00", task="t\x00"),
        *(entry(f"n{i}", f"train/{i}") for i in range(9)),
    ]
    async with opened(f"{shelf}:{name}") as memory:
        await memory.remember(*kept)
    assert Path(shelf).with_name("closed").exists() == (name == "opens_it")
    found = await entries_at(f"{shelf}:{name}")
    assert digest_of(found) == digest_of(kept)


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("nothing", ConfigError, "unknown name in .*'nothing'"),
        ("yields", ConfigError, "put @contextlib.contextmanager above it"),
        ("yields_later", ConfigError, "put @contextlib.asynccontextmanager above it"),
        ("gives_text", ConfigError, "is no store, it is 'postgresql://.*give a BaseStore"),
        ("FILE", ConfigError, "is no store"),
        ("wants", StorageError, "cannot be opened: TypeError: wants.. missing"),
        ("fails", StorageError, "cannot be opened: RuntimeError: no such host"),
        ("fails_at_the_end", StorageError, "cannot be closed: RuntimeError: the line is dead"),
    ],
)
async def test_what_is_no_store_is_one_line(shelf: str, name: str, error: type[BanchuError], says: str) -> None:
    with pytest.raises(error, match=says) as raised:
        await entries_at(f"{shelf}:{name}")
    assert "\n" not in str(raised.value)


async def test_what_goes_wrong_inside_is_not_hidden_by_closing(shelf: str) -> None:
    with pytest.raises(DataError, match="mine"):
        async with opened(f"{shelf}:fails_at_the_end"):
            raise DataError("mine")


def test_a_store_is_told_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [is_store(name) for name in ("shelf.py:store", "lessons.sqlite", "last", "a:b")] == [True, *[False] * 3]
    assert absolute("shelf.py:store") == f"{tmp_path.resolve()}/shelf.py:store"
    assert absolute("l.jsonl") == f"{tmp_path.resolve()}/l.jsonl"


@pytest.mark.parametrize(
    "value",
    [
        {"text": "the answer is 42"},
        {"text": "x", "entry": "the answer is 42"},
        {"text": "x", "entry": encode(entry("x"))},
        {"entry": json.dumps({key: value for key, value in encode(entry("x")).items() if key != "oracle"})},
        {"entry": json.dumps(encode(entry("x", arm="oracle_trace", oracle=True)) | {"oracle": False})},
    ],
)
async def test_what_somebody_put_there_without_marks_is_refused(value: dict[str, Any]) -> None:
    store = InMemoryStore()
    await store.aput(("theirs", "notes"), "a", value)
    memory = StoreMemory(store)
    await memory.remember(entry("mine"))
    assert [kept.text for kept in await memory.entries(Selection())] == ["mine"]  # theirs are not ours to read
    await store.aput((ROOT, "lasting", "%", "intrinsic"), "a", value)
    with pytest.raises(DataError, match="'a', which is no entry of banchu"):
        await memory.entries(Selection())
    with pytest.raises(DataError, match="'a', which is no entry of banchu"):
        await memory.recall(query())


class Capped(InMemoryStore):
    """Gives no more than 600 at once, whatever it is asked for."""

    async def asearch(self, *told: Any, limit: int = 10, **more: Any) -> Any:
        return await super().asearch(*told, limit=min(limit, 600), **more)


async def test_a_store_that_keeps_some_back_is_not_read_as_if_it_were_all() -> None:
    memory = StoreMemory(Capped())
    await memory.remember(*(entry(f"n{i}", f"train/{i}") for i in range(600)))
    assert len(await memory.entries(Selection())) == 600
    await memory.remember(entry("one more", "train/600"))
    with pytest.raises(StorageError, match="gives 600 entries at once and no more"):
        await memory.entries(Selection())


async def test_a_store_that_fails_is_one_line() -> None:
    class Down(InMemoryStore):
        async def abatch(self, ops: Any) -> Any:
            raise ConnectionError("server closed\nthe connection")

    with pytest.raises(StorageError, match=r"Down: ConnectionError: server closed the connection"):
        await StoreMemory(Down()).remember(entry())
    with pytest.raises(StorageError, match=r"Down: ConnectionError"):
        await StoreMemory(Down()).entries(Selection())
