"""The lessons of `--memory-file`, a file or a store: read once, when a run begins or goes on, and never written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from banchu.core.arm import Arm
from banchu.core.errors import ConfigError
from banchu.experiments.text import storable
from banchu.memory import Entry
from banchu.memory.opening import entries_at

if TYPE_CHECKING:
    from banchu.experiments.invocation import Invocation


async def lessons_of(invocation: Invocation) -> tuple[Entry, ...]:
    """What arms with memory=file may read; none without a file.

    Raises:
        ConfigError: it says nothing, or is no store.
        DataError, StorageError: it cannot be read.
    """
    where = invocation.memory_file
    if not where:
        return ()
    read = await entries_at(where)
    if not read:
        raise ConfigError(f"--memory-file {where!r} holds no lesson; leave it out")
    return tuple(replace(entry, text=storable(entry.text), cue=storable(entry.cue)) for entry in read)


def check_labels(arms: tuple[Arm, ...], lasting: tuple[Entry, ...]) -> None:
    """An arm that reads what an oracle knew is called so, and no other is. Raises ConfigError."""
    tainted = sum(entry.oracle for entry in lasting)
    for arm in arms:
        if arm.memory == "file" and tainted:
            raise ConfigError(
                f"arm {arm.name!r}: {tainted} of {len(lasting)} lessons of --memory-file were written under an oracle; "
                f"write memory=oracle_file, which labels the arm, or leave them out: banchu memory export --no-oracle"
            )
        if arm.memory == "oracle_file" and not tainted:
            raise ConfigError(
                f"arm {arm.name!r}: no lesson of --memory-file was written under an oracle; write memory=file"
            )
