"""What may be said on the command line of what arms remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

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
    str | None,
    typer.Option(
        metavar="FILE|FILE.py:NAME",
        help="The lessons that arms with memory=file read: a file, or a store of LangGraph's; see docs/memory.md.",
    ),
]
Embedder = Annotated[
    str, typer.Option(help="What finds lessons besides their words: none, hashed, minilm, hf:PATH_OR_ID, openai:NAME.")
]


@dataclass(frozen=True, slots=True)
class MemoryFlags:
    """Who writes lessons for whom, and how they are found."""

    PANEL: ClassVar[str] = "Memory"
    memory_train: Train = None
    memory_order: Order = 0
    memory_file: File = None
    embedder: Embedder = "none"

    def said(self) -> dict[str, Any]:
        """As fields of `Invocation`; the file by its whole path, so that the run can go on from another folder."""
        from banchu.memory.opening import absolute

        return {
            "memory_train": self.memory_train or "",
            "memory_order": self.memory_order,
            "memory_file": absolute(self.memory_file) if self.memory_file else "",
            "embedder": self.embedder,
        }
