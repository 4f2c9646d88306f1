"""What became of one call of a tool, for the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from banchu.core.chat import CallRole

ToolOutcome = Literal[
    "answered",
    "failed",
    "timed_out",
    "bad_arguments",
    "unreadable",
    "unknown_tool",
    "limit",
    "host_failed",
    "cancelled",
]
"""`failed`, `timed_out`: the tool's doing. `bad_arguments`, `unreadable`, `unknown_tool`: the model's. `limit`: not
run, for its calls or time were spent. All of these the model is told. `host_failed`: what runs the tool did, which ends
the run. `cancelled`: nobody waits any more."""


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """One call, run or not."""

    index: int
    """Among the calls of its episode, from 0."""
    tool: str
    """The name as the model wrote it; "": it could not be read."""
    arguments: str
    """As the model wrote them."""
    result: str
    """What the model was told; of `host_failed`, what the user was told."""
    outcome: ToolOutcome
    wall_s: float
    role: CallRole = "actor"
    """Who called."""
    round: int = 0
    left_out: int = 0
    """Characters of the result that the model was not told, for want of room."""
    oracle: bool = False
    """The tool knows the answer, or is said to."""
    turn: int = 0
    """After which answer of the caller in its round, from 0; the ledger finds it."""
    prompt_tokens: int = 0
    """Of models that the tool asked; what its result costs is in the caller's next prompt."""
    completion_tokens: int = 0
