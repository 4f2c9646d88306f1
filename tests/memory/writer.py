"""Writes to a memory's file until it is killed: batches of three, each acknowledged by a line once it is remembered.

Run as: writer.py FILE NAME. Batch i of NAME is about the tasks NAME-i-0 to NAME-i-2. Every fourth one replaces the last
of those before it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from banchu.memory import Entry, Pool
from banchu.memory.lasting import SqliteMemory
from banchu.models.embedding.hashed import HashedEmbedder

POOL = Pool("lasting", "", "intrinsic")
SIZE = 3


def batch(name: str, i: int) -> list[Entry]:
    return [
        Entry(f"lesson {name}w{i}w{j} on edges", POOL, f"{name}-{i}-{j}", "train", f"{name}-{i}", 0, i)
        for j in range(SIZE)
    ]


def again(name: str, i: int) -> Entry:
    """What batch i puts in the place of the last entry of the one before."""
    return Entry(
        f"second thought {name}w{i} on edges", POOL, f"{name}-{i - 1}-{SIZE - 1}", "train", f"{name}-{i - 1}", 0, i
    )


async def main(path: Path, name: str) -> None:
    memory = SqliteMemory(path, HashedEmbedder())
    for i in itertools.count():
        replaced = [again(name, i)] if i % 4 == 3 else []
        await memory.remember(*batch(name, i), *replaced)
        print(i, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
