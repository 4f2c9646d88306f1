"""A memory's file, when its writers are killed at any moment, two of them at once."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.memory.writer import POOL, SIZE, again, batch

from banchu.memory import Entry, Query, Selection
from banchu.memory.lasting import SqliteMemory
from banchu.memory.lasting.writing import spelt
from banchu.memory.words import words
from banchu.models.embedding.hashed import HashedEmbedder

WRITER = Path(__file__).parent / "writer.py"


def round_of_kills(path: Path, names: tuple[str, ...], rng: random.Random, most: int) -> dict[str, int]:
    """Starts a writer for each name, kills each at a moment of its own; how many batches each has acknowledged."""
    writers = {
        name: subprocess.Popen([sys.executable, str(WRITER), str(path), name], stdout=subprocess.PIPE, text=True)
        for name in names
    }
    said: dict[str, int] = {}
    read: dict[str, str] = {}
    for name, writer in writers.items():
        assert writer.stdout
        read[name] = "".join(writer.stdout.readline() for _ in range(rng.randrange(most)))
        time.sleep(rng.random() * 0.02)
        writer.send_signal(signal.SIGKILL)
    for name, writer in writers.items():
        whole, _, _ = (read[name] + writer.communicate()[0]).rpartition("\n")  # a line may be cut
        assert writer.returncode == -signal.SIGKILL
        assert whole.split() == [str(i) for i in range(len(whole.split()))]
        said[name] = len(whole.split())
    return said


async def check(path: Path, said: dict[str, int]) -> int:
    """Everything acknowledged is there, nothing is there in part, and words, counts and vectors agree. How many."""
    memory = SqliteMemory(path, HashedEmbedder())
    kept = {entry.task: entry for entry in await memory.entries(Selection())}
    for name, n in said.items():
        mine = Counter(int(task.split("-")[1]) for task in kept if task.startswith(f"{name}-"))
        assert sorted(mine) == list(range(len(mine)))
        assert len(mine) in (n, n + 1), "one batch more may be there: killed between its commit and its line"
        assert set(mine.values()) <= {SIZE}
        for i in mine:
            expected = {entry.task: entry for entry in batch(name, i)}
            if (i + 1) % 4 == 3 and i + 1 in mine:
                expected[again(name, i + 1).task] = again(name, i + 1)
            assert {task: kept[task].embedded_by("") for task in expected} == expected
        if n:
            last = batch(name, n - 1)[0]
            question = Query(last.text, POOL.arm, "another", "test", "lasting", k=3)
            # By words it is the first; by vectors not always alone: two names may be hashed to one place.
            (hit,) = [hit for hit in (await memory.recall(question)).hits if hit.lexical_rank == 1]
            assert hit.entry.task == last.task
            assert hit.similarity == 1
    await memory.aclose()
    agree(path, list(kept.values()))
    return len(kept)


def agree(path: Path, kept: list[Entry]) -> None:
    """The tables that are made from others, against what they are made from."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        terms = Counter(word for entry in kept for word in set(words(entry.indexed)))
        assert dict(db.execute("SELECT term, entries FROM terms")) == terms
        assert db.execute("SELECT sum(entries) FROM pools").fetchone()[0] in (len(kept), None)
        numbers = db.execute("SELECT number FROM entries ORDER BY number").fetchall()
        assert len(numbers) == len(kept)
        for table in ("vectors", "details"):
            assert db.execute(f"SELECT number FROM {table} ORDER BY number").fetchall() == numbers
        match = f'"{spelt(1, "edges")}"'
        found = db.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (match,)).fetchall()
        assert found == numbers


def kill(path: Path, rounds: int, seed: int) -> int:
    rng = random.Random(seed)
    found = 0
    for i in range(rounds):
        said = round_of_kills(path, (f"a{i}", f"b{i}"), rng, most=12)
        found = asyncio.run(check(path, said))
    return found


def test_two_writers_killed_at_once_lose_nothing_that_they_acknowledged(tmp_path: Path) -> None:
    assert kill(tmp_path / "memory.sqlite", rounds=1, seed=7) > 0


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_hundred_kills(tmp_path: Path) -> None:
    assert kill(tmp_path / "memory.sqlite", rounds=100, seed=20261121) > 500
