"""Any store with the interface of LangGraph's `BaseStore` as a memory: Postgres with pgvector, Redis, the user's own.

The interface is written down here and langgraph is not imported, so the import contract holds. A store that embeds
(`index=...` when it is made) ranks by its own scores alone. One that does not is read whole and ranked by words here,
which suits small memories. How durable it is, and whether several entries are kept together or one by one, is the
store's affair. Whatever it raises is a StorageError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar
from urllib.parse import quote

from banchu.core.errors import DataError, StorageError
from banchu.core.loading import said
from banchu.memory.codec import from_line, to_line
from banchu.memory.entry import Entry, Pool, in_order
from banchu.memory.fusion import K, check_threshold, depth
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.query import Query, Selection
from banchu.memory.recall import Hit, Recall

ROOT: Final = "banchu-memory"
"""The first part of every namespace of ours: a store may hold other people's things too."""
_FIRST: Final = 500
_T = TypeVar("_T")


class Found(Protocol):
    """What a search of a store gives: langgraph's `SearchItem`."""

    value: dict[str, Any]
    key: str
    namespace: tuple[str, ...]
    score: float | None


class Store(Protocol):
    """What is used of `langgraph.store.base.BaseStore` (1.2)."""

    async def aput(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | list[str] | None = None,
    ) -> None: ...

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None: ...

    async def asearch(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Sequence[Found]: ...


class StoreMemory:
    """`Memory` in a store that the user has.

    Entries lie in the namespace (banchu-memory, scope, key, arm). What a store should embed is the field `text`.

    Args:
        store: open, and set up; it stays its owner's.
        embedder: what the store embeds with, by a name for the record; empty: it does not embed.
        in_thread: it has only the methods that block, which are called in a thread.
    """

    def __init__(self, store: Store, embedder: str = "", *, in_thread: bool = False) -> None:
        self._kind = f"{type(store).__module__}.{type(store).__qualname__}"
        self._store = _InThread(store) if in_thread else store
        self._embedder = embedder

    @property
    def id(self) -> str:
        return f"{self._kind}+{self._embedder}" if self._embedder else self._kind

    async def remember(self, *entries: Entry) -> None:
        """As `Memory.remember`, but one after the other: a failure between two keeps the first."""
        for entry in entries:
            kept = entry.embedded_by(self._embedder)
            value = {
                "text": _plain(entry.indexed),
                "task": _plain(entry.task),
                "split": _plain(entry.split),
                # A line of ASCII: PostgreSQL's JSON takes neither a zero character nor half a surrogate pair.
                "entry": to_line(kept),
            }
            await self._asked(self._store.aput(namespace(entry.pool), entry.id, value))

    async def recall(self, query: Query) -> Recall:
        check_threshold(query, self._embedder)
        if not self._embedder:
            return await self._by_words(query)
        wanted = depth(query)
        # What the filter lets through may still not be allowed, so an answer may hold too few. Then more is asked for,
        # and from the start: pages may overlap, and SqliteStore's end after the second.
        while True:
            found = await self._asked(
                self._store.asearch(
                    namespace(query.pool), query=_plain(query.text), filter=_filter(query), limit=wanted
                )
            )
            hits = [
                (entry, item.score)
                for item in found
                if query.threshold is None or (item.score is not None and item.score >= query.threshold)
                if query.allows(entry := _entry(item))
            ][: query.k]
            if len(hits) == query.k or len(found) < wanted:
                break
            wanted *= 8
        ranked = (
            Hit(entry, 1 / (K + rank), dense_rank=rank, similarity=score) for rank, (entry, score) in enumerate(hits, 1)
        )
        return Recall(query, tuple(ranked), self._embedder)

    async def forget(self, which: Selection) -> int:
        gone = [entry for entry in await self._all(_prefix(which)) if which.covers(entry)]
        for entry in gone:
            await self._asked(self._store.adelete(namespace(entry.pool), entry.id))
        return len(gone)

    async def entries(self, which: Selection) -> list[Entry]:
        return in_order(entry for entry in await self._all(_prefix(which)) if which.covers(entry))

    async def aclose(self) -> None:
        return None

    async def _by_words(self, query: Query) -> Recall:
        here = InProcessMemory()
        # A namespace is found by how it begins, so others may come along.
        mine = [entry for entry in await self._all(namespace(query.pool)) if entry.pool == query.pool]
        await here.remember(*in_order(mine))
        return await here.recall(query)

    async def _all(self, prefix: tuple[str, ...]) -> list[Entry]:
        """All that is there, in one answer: pages of a store that orders by time may overlap, and miss as many."""
        limit, before = _FIRST, -1
        while True:
            found = await self._asked(self._store.asearch(prefix, limit=limit))
            if len(found) < limit and not await self._asked(self._store.asearch(prefix, limit=1, offset=len(found))):
                return [_entry(item) for item in found]
            if len(found) == before:
                raise StorageError(f"store {self.id} gives {before} entries at once and no more, and holds more")
            limit, before = limit * 8, len(found)

    async def _asked(self, call: Awaitable[_T]) -> _T:
        try:
            return await call
        except Exception as error:  # noqa: BLE001  # somebody else's store, and what it connects to
            raise StorageError(f"store {self.id}: {said(error)}") from None


class _InThread:
    """A store that blocks, asked in a thread."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def aput(self, *told: Any, **more: Any) -> None:
        await asyncio.to_thread(self._store.put, *told, **more)

    async def adelete(self, *told: Any) -> None:
        await asyncio.to_thread(self._store.delete, *told)

    async def asearch(self, *told: Any, **more: Any) -> Sequence[Found]:
        found: Sequence[Found] = await asyncio.to_thread(self._store.search, *told, **more)
        return found


def namespace(pool: Pool) -> tuple[str, ...]:
    """Where a pool lies. Labels may be neither empty nor hold a period, so all are quoted as in an address."""
    return (ROOT, *(_label(part) for part in pool))


def _prefix(which: Selection) -> tuple[str, ...]:
    """The longest namespace that holds all of them."""
    found = [ROOT]
    for part in (which.scope, which.key, which.arm):
        if part is None:
            break
        found.append(_label(part))
    return tuple(found)


def _label(part: str) -> str:
    return quote(part, safe="", errors="surrogatepass").replace(".", "%2E") or "%"


def _filter(query: Query) -> dict[str, Any]:
    """What every store can compare; the rest of the wall is `Query.allows`."""
    if query.same_task:
        return {"task": _plain(query.task)}
    return {"task": {"$ne": _plain(query.task)}, "split": {"$ne": _plain(query.split)}}


def _plain(text: str) -> str:
    """As every store takes it."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def _entry(item: Found) -> Entry:
    """Raises DataError for what has no marks: who leaves them out would say that there was no oracle."""
    try:
        return from_line(item.value["entry"])
    except (DataError, KeyError, TypeError) as error:
        where = ".".join(item.namespace)
        raise DataError(
            f"the store's {where} holds {item.key!r}, which is no entry of banchu ({said(error)})"
        ) from None
