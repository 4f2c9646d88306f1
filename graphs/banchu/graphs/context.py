"""What a running episode is handed, and what it cannot reach.

The wall, part two. Clients and handles come in through LangGraph's runtime context and never enter the state. The
oracle is the only handle that knows a verdict, and an episode whose arm uses no oracle is handed None. The prover runs
code too, on what the episode itself brings; sealed tests are nothing that it could be asked for. The sink is
write-only: measuring happens behind it, and nothing of it comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from banchu.agents import Actor, Critic, Reflector, TestWriter
from banchu.agents.tools import Toolset
from banchu.core.chat import CallRole
from banchu.core.episode import Attempt, Check, Choice, Feedback
from banchu.core.task import Task
from banchu.core.verdict import Verdict
from banchu.memory import EpisodeMemory


class NotCovered(Exception):
    """Raised by an episode's model in the place of a call that the episode's budget does not bear. The episode ends
    there, with what it has; the first attempt must be borne."""


class Oracle(Protocol):
    """Judges an attempt of this episode's task on its sealed tests; counts how often it was asked."""

    async def __call__(self, attempt: Attempt) -> Verdict: ...


class Prover(Protocol):
    """Runs programs on tests and calls of this episode's task that nobody vouches for. What comes back was written by
    them: data, bounded, and never a verdict on sealed tests. All raise SandboxError when the sandbox itself fails."""

    async def check(self, tests: Sequence[str], code: str) -> Sequence[Check]:
        """What came of each assert statement on a program, in order."""
        ...

    async def trace(self, calls: Sequence[str], code: str) -> str:
        """What a program printed, returned and raised on each call, and its local names; of loading it without any."""
        ...

    async def outputs(self, calls: Sequence[str], code: str) -> Sequence[str]:
        """What a program gives on each call, in order, as text that is equal where the outcomes are: a value, or what
        begins with `raises` or `stopped`."""
        ...

    async def steps(self, call: str, code: str) -> str:
        """One call block by block, with the local values between blocks."""
        ...


class FeedbackMaker(Protocol):
    """One feedback source at work in one episode."""

    async def __call__(self, task: Task, attempts: Sequence[Attempt]) -> Feedback:
        """What it says of the last of `attempts`, of which there is at least one."""
        ...


class EpisodeSink(Protocol):
    """Takes what happens, gives nothing back."""

    def attempt(self, attempt: Attempt) -> None: ...

    def feedback(self, feedback: Feedback) -> None: ...

    def reflection(self, round: int, text: str) -> None: ...

    def self_tests(self, tests: Sequence[str]) -> None: ...

    def choice(self, choice: Choice) -> None: ...


@dataclass(frozen=True, slots=True)
class EpisodeContext:
    """The people and handles of one episode."""

    actor: Actor
    critic: Critic
    reflector: Reflector
    memory: EpisodeMemory
    sink: EpisodeSink
    seed: Callable[[CallRole, int], int]
    """The seed of a call by its role and round. The same for every arm, so arms share their first attempt."""
    oracle: Oracle | None = None
    """None in every arm that uses no oracle."""
    tester: TestWriter | None = None
    """None in every arm whose model writes no tests."""
    prover: Prover | None = None
    """None in every arm that runs no code, for feedback or to choose."""
    tools: Toolset | None = None
    """None in every arm that uses no tools."""
    lessons: tuple[str, ...] = ()
    """What was recalled of earlier episodes before this one began; shown with the task in every round."""
