"""What `banchu memory` reads and writes: the reflections of a run, a file, or a store of the user's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from banchu.cli.runs import find_run
from banchu.core.embedder import Embedder
from banchu.core.errors import ConfigError, DataError
from banchu.experiments.ledger import Ledger
from banchu.experiments.rundir import open_run, stored_config
from banchu.experiments.written import entries_of_run
from banchu.memory import Entry, Hit, Memory, Pool, Query
from banchu.memory.entry import in_order
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.lasting import SqliteMemory
from banchu.memory.opening import entries_at, is_store, opened


def find_entries(name: str) -> list[Entry]:
    """The entries of a run (a folder, a name under ./runs, `last`), of a file, or of the store FILE.py:NAME.

    Raises DataError; ConfigError and StorageError for a store.
    """
    if is_store(name) or Path(name).is_file():
        return asyncio.run(entries_at(name))
    try:
        folder = find_run(name)
    except DataError as error:
        raise DataError(f"{error}; nor is it a file with a memory") from None
    with open_run(folder) as ledger:
        if told := _told_sealed_text(ledger):
            held = f"prompts of {', '.join(told)} held text of sealed tests, so lessons may too, and no mark says it"
            print(f"{held}; --arm chooses another", file=sys.stderr)
        return in_order(entries_of_run(ledger, folder.resolve().name))


def _told_sealed_text(ledger: Ledger) -> list[str]:
    """Arms without an oracle in whose prompts the scan found sealed tests: a tool of theirs knew some, or the model."""
    arms = {arm.name: arm for arm in stored_config(ledger).parsed_arms}
    return sorted(
        {
            episode.arm
            for episode in ledger.episodes()
            if not arms[episode.arm].uses_oracle and any(call.sealed_hits for call in episode.calls)
        }
    )


def chosen(entries: Iterable[Entry], *, arm: str | None, task: str | None, oracle: bool, good: bool) -> list[Entry]:
    """Those of an arm and a task; without those written under an oracle, or in episodes that did not end well."""
    return [
        entry
        for entry in entries
        if arm in (None, entry.pool.arm)
        and (task is None or task.lower() in (entry.task.lower(), entry.task.rpartition("/")[2].lower()))
        and (oracle or not entry.oracle)
        and (entry.succeeded or not good)
    ]


async def search(entries: list[Entry], text: str, k: int, embedder: Embedder | None) -> list[tuple[Entry, Hit]]:
    """The nearest, best first: to a person, who may read all of them, and in their texts as well as their tasks."""
    if not text.strip():
        raise ConfigError("memory search looks for words, and was given none; write some")
    memory, pool, originals = InProcessMemory(embedder), Pool("lasting", "search", "(a person)"), {}
    for number, entry in enumerate(entries):
        whole = replace(entry, text=f"{entry.cue}\n{entry.text}", cue="", pool=pool, episode=f"{number}")
        originals[whole.id] = entry
        await memory.remember(whole)
    query = Query(text, pool.arm, "(a person)", "(a person)", "lasting", pool.key, k=k, oracle=True)
    found = await memory.recall(query)
    return [(originals[hit.entry.id], hit) for hit in found.hits]


@asynccontextmanager
async def lasting(where: str, *, new: bool) -> AsyncIterator[Memory]:
    """A memory that may be written: a file, or the store FILE.py:NAME.

    Raises:
        ConfigError: it is a run, or gives no store.
        DataError: it is another kind of file, or there is none where it is not to be `new`.
        StorageError: it cannot be opened.
    """
    if is_store(where):
        async with opened(where) as store:
            yield store
        return
    memory = _lasting_file(Path(where), new=new)
    try:
        yield memory
    finally:
        await memory.aclose()


def _lasting_file(path: Path, *, new: bool) -> SqliteMemory:
    if path.is_dir():
        raise ConfigError(
            f"{str(path)!r} is a run, whose reflections are part of its record; name a file, such as lessons.sqlite"
        )
    if path.exists():
        with path.open("rb") as file:
            if not file.read(16).startswith(b"SQLite format 3"):
                raise DataError(f"{str(path)!r} is no memory in SQLite; import it into one, such as lessons.sqlite")
    elif not new:
        raise DataError(f"no memory {str(path)!r}; make one with `banchu memory import FILE RUN`")
    return SqliteMemory(path)
