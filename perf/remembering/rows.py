"""Ways to find reflections again, one a process, so that what each holds in memory is its own."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from banchu.memory import Memory, Pool, Query
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.lasting import SqliteMemory
from remembering.corpus import DIMS, MadeUp, direction, entries, queries

ROWS: Final = (
    "sqlite, words",
    "sqlite, vectors and words",
    "in process, words",
    "in process, vectors and words",
    "numpy scan alone",
    "LangGraph InMemoryStore, vectors",
)
_Ask = Callable[[Query], Awaitable[Any]]


@dataclass(frozen=True)
class Row:
    """One way at one size."""

    name: str
    entries: int
    p50_ms: float
    """Of a recall: embedding the query is not in it, which is the same for all."""
    p99_ms: float
    first_ms: float
    """Of the first recall after opening, which reads what later ones have at hand."""
    fill_s: float
    """To remember all of them, 2,000 at a time; 0: they were there."""
    memory_mib: float
    """The process at its largest, after it was filled by another where there is a file."""
    disk_mib: float = 0.0


def measure(name: str, n: int, folder: Path, asked: int) -> Row:
    """Fills and asks. A file that an earlier call has filled is used again."""
    row = asyncio.run(_measure(name, n, folder / f"{n}.sqlite", asked))
    if not name.startswith("sqlite"):
        return row
    return replace(row, disk_mib=sum(file.stat().st_size for file in folder.glob(f"{n}.sqlite*")) / 2**20)


async def _measure(name: str, n: int, path: Path, asked: int) -> Row:
    begun = time.perf_counter()
    made = False
    if name.startswith("sqlite"):
        made = await fill_file(path, n)
    ask = await _asker(name, n, path)
    fill_s = time.perf_counter() - begun if made or not name.startswith("sqlite") else 0.0
    first, *times = await _time(ask, queries(asked + 1))
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(name, n, statistics.median(times), times[int(0.99 * len(times))], first, fill_s, peak)


async def fill_file(path: Path, n: int) -> bool:
    """Makes the file of `n` entries with vectors, unless it is there whole."""
    done = path.with_suffix(".done")
    if done.exists():
        return False
    _clear(path)
    memory = SqliteMemory(path, MadeUp())
    for chunk in entries(n):
        await memory.remember(*chunk)
    await memory.aclose()
    done.touch()
    return True


def _clear(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)


async def _asker(name: str, n: int, path: Path) -> _Ask:
    match name:
        case "sqlite, words":
            return SqliteMemory(path).recall
        case "sqlite, vectors and words":
            return SqliteMemory(path, MadeUp()).recall
        case "in process, words":
            return (await _filled(InProcessMemory(), n)).recall
        case "in process, vectors and words":
            return (await _filled(InProcessMemory(MadeUp()), n)).recall
        case "numpy scan alone":
            return _scan(n)
    return await _langgraph(n)


async def _filled(memory: Memory, n: int) -> Memory:
    for chunk in entries(n):
        await memory.remember(*chunk)
    return memory


def _scan(n: int) -> _Ask:
    """The floor: a product, and the three greatest of it."""
    matrix = np.empty((n, DIMS), dtype=np.float32)
    at = 0
    for chunk in entries(n):
        for entry in chunk:
            matrix[at] = direction(entry.indexed)
            at += 1

    async def ask(query: Query) -> Any:
        scores = matrix @ direction(query.text)
        best = np.argpartition(scores, -3)[-3:]
        return best[np.argsort(-scores[best])]

    return ask


async def _langgraph(n: int) -> _Ask:
    """What a user of LangGraph has at hand, with the same filter that the wall needs."""
    from langgraph.store.base import IndexConfig
    from langgraph.store.memory import InMemoryStore

    def embed(texts: Sequence[str]) -> list[list[float]]:
        return [direction(text).tolist() for text in texts]

    store = InMemoryStore(index=IndexConfig(dims=DIMS, embed=embed, fields=["text"]))
    place = tuple(part or "none" for part in Pool("lasting", "", "intrinsic"))
    for chunk in entries(n):
        for entry in chunk:
            value = {"text": entry.indexed, "task": entry.task, "split": entry.split, "lesson": entry.text}
            store.put(place, entry.id, value)

    async def ask(query: Query) -> Any:
        wall = {"task": {"$ne": query.task}, "split": {"$ne": query.split}}
        return store.search(place, query=query.text, filter=wall, limit=query.k)

    return ask


async def _time(ask: _Ask, asked: Sequence[Query]) -> list[float]:
    """Milliseconds of each, in order."""
    found = []
    for query in asked:
        begun = time.perf_counter()
        await ask(query)
        found.append(1000 * (time.perf_counter() - begun))
    return found
