"""Any store with the interface of LangGraph's `BaseStore` as a memory: Postgres with pgvector, Redis, the user's own.

The interface is written down here and langgraph is not imported, so the import contract holds. A store that embeds
(`index=...` when it is made) ranks by its own scores alone. One that does not is read page by page and ranked by words
here, which suits small memories. How durable it is, and whether several entries are kept together or one by one, is the
store's affair.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote

from banchu.core.errors import DataError
from banchu.memory.codec import decode, encode
from banchu.memory.entry import Entry, Pool, in_order
from banchu.memory.fusion import K, check_threshold, depth
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.query import Query, Selection
from banchu.memory.recall import Hit, Recall

_ROOT: Final = "banchu-memory"
_PAGE: Final = 500


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
    """

    def __init__(self, store: Store, embedder: str = "") -> None:
        self._store = store
        self._embedder = embedder

    @property
    def id(self) -> str:
        kind = f"{type(self._store).__module__}.{type(self._store).__qualname__}"
        return f"{kind}+{self._embedder}" if self._embedder else kind

    async def remember(self, *entries: Entry) -> None:
        """As `Memory.remember`, but one after the other: a failure between two keeps the first."""
        for entry in entries:
            kept = entry.embedded_by(self._embedder)
            value = {"text": entry.indexed, "task": entry.task, "split": entry.split, "entry": encode(kept)}
            await self._store.aput(namespace(entry.pool), entry.id, value)

    async def recall(self, query: Query) -> Recall:
        check_threshold(query, self._embedder)
        if not self._embedder:
            return await self._by_words(query)
        hits: list[Hit] = []
        wanted, offset = depth(query), 0
        # What the filter lets through may still not be allowed, so a page may bring fewer than asked for.
        while len(hits) < query.k:
            page = await self._store.asearch(
                namespace(query.pool), query=query.text, filter=_filter(query), limit=wanted, offset=offset
            )
            for item in page:
                entry = _entry(item)
                near = query.threshold is None or (item.score is not None and item.score >= query.threshold)
                if near and query.allows(entry):
                    rank = len(hits) + 1
                    hits.append(Hit(entry, 1 / (K + rank), dense_rank=rank, similarity=item.score))
            if len(page) < wanted:
                break
            offset += wanted
        return Recall(query, tuple(hits[: query.k]), self._embedder)

    async def forget(self, which: Selection) -> int:
        gone = [entry async for entry in self._all(_prefix(which)) if which.covers(entry)]
        for entry in gone:
            await self._store.adelete(namespace(entry.pool), entry.id)
        return len(gone)

    async def entries(self, which: Selection) -> list[Entry]:
        return in_order([entry async for entry in self._all(_prefix(which)) if which.covers(entry)])

    async def aclose(self) -> None:
        return None

    async def _by_words(self, query: Query) -> Recall:
        here = InProcessMemory()
        await here.remember(*in_order([entry async for entry in self._all(namespace(query.pool))]))
        return await here.recall(query)

    async def _all(self, prefix: tuple[str, ...]) -> AsyncIterator[Entry]:
        offset = 0
        while True:
            page = await self._store.asearch(prefix, limit=_PAGE, offset=offset)
            for item in page:
                yield _entry(item)
            if len(page) < _PAGE:
                return
            offset += _PAGE


def namespace(pool: Pool) -> tuple[str, ...]:
    """Where a pool lies. Labels may be neither empty nor hold a period, so all are quoted as in an address."""
    return (_ROOT, *(_label(part) for part in pool))


def _prefix(which: Selection) -> tuple[str, ...]:
    """The longest namespace that holds all of them."""
    found = [_ROOT]
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
        return {"task": query.task}
    return {"task": {"$ne": query.task}, "split": {"$ne": query.split}}


def _entry(item: Found) -> Entry:
    try:
        return decode(item.value["entry"])
    except KeyError:
        raise DataError(
            f"the store's {'.'.join(item.namespace)} holds {item.key!r}, which is no entry of banchu"
        ) from None
