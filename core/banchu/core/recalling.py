"""What an arm reads of earlier episodes: which memory, how much of it, and what may stand in its place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal

Memory = Literal["episode", "task", "across", "file", "oracle_file"]
Successes = Literal["any", "only"]
Control = Literal["nothing", "shuffled", "empty"]

OFF: Final = "off"
"""How an arm without any memory may be spelt: `memory=off` is `window=0`."""
K: Final = 3
WRITTEN_IN_THE_RUN: Final = frozenset({"task", "across"})
"""Memories that the arm's own earlier episodes fill."""
WORDS: Final[dict[Memory, str]] = {
    "task": "memory of the same task",
    "across": "memory across tasks",
    "file": "memory from a file",
    "oracle_file": "oracle memory from a file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalling:
    """What an arm reads before its first attempt. The default reads nothing: an episode knows itself only."""

    memory: Memory = "episode"
    """episode: the reflections of the episode, `window` of them. task: also those of the task's earlier repeats.
    across: also those on other tasks, of a disjoint split. file: those of `--memory-file`; oracle_file: the same, of a
    file that was written under an oracle, which labels the arm."""
    k: int = K
    """Lessons of earlier episodes at most."""
    threshold: float | None = None
    """The least cosine similarity of a lesson's task, -1 to 1; needs an embedder."""
    successes: Successes = "any"
    """only: lessons of episodes that ended well, as far as the arm itself can tell."""
    halflife: int | None = None
    """Writing episodes after which a lesson counts for half; None: all count alike."""
    control: Control = "nothing"
    """What stands in for the lessons. shuffled: others of the same memory. empty: as many marks, and nothing said."""

    @property
    def recalls(self) -> bool:
        """Whether anything of an earlier episode is shown."""
        return self.memory != "episode"

    @property
    def writes_memory(self) -> bool:
        """Whether what its episodes write is read by later ones of the same run."""
        return self.memory in WRITTEN_IN_THE_RUN


RECALLING: Final = tuple(field.name for field in fields(Recalling))
