"""What a running episode is handed, and what it cannot reach.

The wall, part two. Clients and handles come in through LangGraph's runtime context and never enter the state. The
oracle is the only handle that knows a verdict, and an episode whose arm uses no oracle is handed None. The sink is
write-only: measuring happens behind it, and nothing of it comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from banchu.agents import Actor, Critic, Reflector
from banchu.core.chat import CallRole
from banchu.core.episode import Attempt, Feedback
from banchu.core.verdict import Verdict
from banchu.memory import Memory


class Oracle(Protocol):
    """Judges an attempt of this episode's task on its sealed tests; counts how often it was asked."""

    async def __call__(self, attempt: Attempt) -> Verdict: ...


class EpisodeSink(Protocol):
    """Takes what happens, gives nothing back."""

    def attempt(self, attempt: Attempt) -> None: ...

    def feedback(self, feedback: Feedback) -> None: ...

    def reflection(self, round: int, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class EpisodeContext:
    """The people and handles of one episode."""

    actor: Actor
    critic: Critic
    reflector: Reflector
    memory: Memory
    sink: EpisodeSink
    seed: Callable[[CallRole, int], int]
    """The seed of a call by its role and round. The same for every arm, so arms share their first attempt."""
    oracle: Oracle | None = None
    """None in every arm that uses no oracle."""
