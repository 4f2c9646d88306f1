"""`search_memory`: what earlier attempts taught. The memory is handed in, with its own scopes and walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from banchu.agents.quoting import quoted
from banchu.agents.tools.function import tool
from banchu.agents.tools.tool import Tool


class Searchable(Protocol):
    """What a memory must offer for it."""

    async def search(self, question: str, k: int) -> Sequence[str]:
        """The `k` nearest lessons at most, best first. Only what this episode may read."""
        ...


def search_memory(memory: Searchable, *, most: int = 5, max_characters: int = 4000) -> Tool:
    """The tool over a memory; each lesson is quoted, since a model wrote it."""

    @tool(name="search_memory", max_characters=max_characters)
    async def search(question: str) -> str:
        """Search the lessons of earlier attempts.

        Args:
            question: what you want to know, in a few words.
        """
        lessons = await memory.search(question, most)
        return "\n\n".join(quoted(lesson, max_characters // most) for lesson in lessons) or "(nothing is remembered)"

    return search
