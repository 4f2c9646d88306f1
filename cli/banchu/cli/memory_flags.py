"""What may be said on the command line of what arms remember."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

Train = Annotated[
    str | None,
    typer.Option(
        metavar="N|FRACTION",
        help="With memory=across: how many of the tasks write lessons, such as 0.5; all figures are of the others.",
    ),
]
Order = Annotated[
    int, typer.Option(help="With memory=across: the seed of the order in which lessons count as older and younger.")
]
File = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The lessons that arms with memory=file read; see docs/memory.md.")
]
Embedder = Annotated[
    str, typer.Option(help="What finds lessons besides their words: none, hashed, minilm, hf:PATH_OR_ID, openai:NAME.")
]


@dataclass(frozen=True, slots=True)
class MemoryFlags:
    """Who writes lessons for whom, and how they are found."""

    memory_train: Train = None
    memory_order: Order = 0
    memory_file: File = None
    embedder: Embedder = "none"

    def said(self) -> dict[str, Any]:
        """As fields of `Invocation`; the file by its whole path, so that the run can go on from another folder."""
        return {
            "memory_train": self.memory_train or "",
            "memory_order": self.memory_order,
            "memory_file": str(self.memory_file.resolve()) if self.memory_file else "",
            "embedder": self.embedder,
        }
