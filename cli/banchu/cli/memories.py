"""What `banchu memory` reads and writes: the reflections of a run, or a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from banchu.cli.runs import find_run
from banchu.core.embedder import Embedder
from banchu.core.errors import ConfigError, DataError
from banchu.experiments.rundir import open_run
from banchu.experiments.written import entries_of_run
from banchu.memory import Entry, Hit, Pool, Query
from banchu.memory.entry import in_order
from banchu.memory.files import read_entries
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.lasting import SqliteMemory


def find_entries(name: str) -> list[Entry]:
    """The entries of a run (a folder, a name under ./runs, `last`) or of a file. Raises DataError."""
    if Path(name).is_file():
        return read_entries(Path(name))
    try:
        folder = find_run(name)
    except DataError as error:
        raise DataError(f"{error}; nor is it a file with a memory") from None
    with open_run(folder) as ledger:
        return in_order(entries_of_run(ledger, folder.resolve().name))


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


def lasting_file(path: Path, *, new: bool) -> SqliteMemory:
    """A memory in a file that may be written. Raises ConfigError for a run, DataError for another kind of file."""
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
