"""Where lessons lie, by what a user writes: a file, or `FILE.py:NAME`, which gives a store with LangGraph's interface.

NAME is the store, or what opens it: a context manager, a function without arguments that gives either, or a coroutine
function. That is the form in which LangGraph's own `langgraph.json` names a store. Such code runs with the user's own
rights.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from banchu.core.errors import BanchuError, ConfigError, StorageError
from banchu.core.loading import from_file, said
from banchu.memory.entry import Entry
from banchu.memory.files import read_entries
from banchu.memory.query import Selection
from banchu.memory.stores import ROOT, Store, StoreMemory

_METHODS: Final = ("aput", "adelete", "asearch")
_Exit = Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], Awaitable[bool]]


def is_store(where: str) -> bool:
    """Whether it is written as `FILE.py:NAME`."""
    return where.rpartition(":")[0].endswith(".py")


def absolute(where: str) -> str:
    """The same file or store, from whatever folder it is named."""
    path, colon, name = where.rpartition(":") if is_store(where) else (where, "", "")
    return f"{Path(path).expanduser().resolve()}{colon}{name}"


async def entries_at(where: str) -> list[Entry]:
    """All entries of a file or a store, oldest first.

    Raises:
        ConfigError: the file of Python gives no store.
        StorageError: the store cannot be opened or read.
        DataError: as `read_entries`; or something lies among the store's entries that is none.
    """
    if not is_store(where):
        return read_entries(Path(where))
    async with opened(where) as memory:
        return await memory.entries(Selection())


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[StoreMemory]:
    """The memory in the store that `FILE.py:NAME` gives, until the end. Raises ConfigError, StorageError."""
    async with AsyncExitStack() as stack:
        found = _named(where)
        try:
            store = await _store(found, stack, where)
            memory = StoreMemory(store, in_thread=not await _answers(store))
        except BanchuError:
            raise
        except Exception as error:  # noqa: BLE001  # the user's own code, and what it connects to
            raise StorageError(f"{where} cannot be opened: {said(error)}") from None
        yield memory


def _named(where: str) -> Any:
    path, _, name = where.rpartition(":")
    return from_file(Path(path).expanduser(), name, where)


async def _store(found: Any, stack: AsyncExitStack, where: str, *, made: bool = False) -> Any:
    """The store itself; what opened it is closed with `stack`."""
    if not isinstance(found, type) and all(hasattr(found, name) for name in _METHODS):
        return found
    if inspect.isgenerator(found) or inspect.isasyncgen(found):
        manager = "asynccontextmanager" if inspect.isasyncgen(found) else "contextmanager"
        raise ConfigError(f"{where} yields; put @contextlib.{manager} above it")
    if inspect.isawaitable(found):
        return await _store(await found, stack, where, made=True)
    if not isinstance(found, type) and hasattr(found, "__aenter__"):
        entered = await found.__aenter__()
        stack.push_async_exit(_closing(found.__aexit__, where))
        return await _store(entered, stack, where, made=True)
    if not isinstance(found, type) and hasattr(found, "__enter__"):
        entered = found.__enter__()
        stack.push_async_exit(_closing(found.__exit__, where))
        return await _store(entered, stack, where, made=True)
    if callable(found) and not made:
        return await _store(found(), stack, where, made=True)
    raise ConfigError(
        f"{where} is no store, it is {found!r:.60}; give a BaseStore of LangGraph, or a function that opens one"
    )


def _closing(leave: Callable[..., Any], where: str) -> _Exit:
    """What closes a store, so that it hides no error and its own is one line."""

    async def close(kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        try:
            left = leave(kind, error, at)
            if inspect.isawaitable(left):
                await left
        except Exception as other:  # noqa: BLE001  # the user's own code
            if other is not error:
                raise StorageError(f"{where} cannot be closed: {said(other)}") from None
        return False

    return close


async def _answers(store: Store) -> bool:
    """Whether it can be awaited: some stores have only the methods that block."""
    try:
        await store.asearch((ROOT,), limit=1)
    except NotImplementedError:
        return False
    return True
