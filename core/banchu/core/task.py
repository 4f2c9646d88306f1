"""A task as the model may see it. Its sealed tests are another type, in `banchu.core.sealed`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """The public half of one problem."""

    id: str
    """The benchmark's own id, such as `HumanEval/3`."""
    benchmark: str
    """The name it was loaded under, such as `humaneval`."""
    prompt: str
    """Python source that the answer continues: imports, helpers, signature and docstring."""
    entry_point: str
    """The function that the tests call."""
    examples: tuple[str, ...] = ()
    """Examples that the prompt itself shows, as assert statements; public by definition."""
    answers: tuple[str, ...] = ()
    """All values that the function can be right with, as Python literals, where it takes no arguments and they are few:
    a multiple choice. Empty: the answer space is not finite."""
