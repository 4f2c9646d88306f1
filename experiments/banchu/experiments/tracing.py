"""Who may watch a run as it happens, and what they are handed. Nobody, by default, and nothing is imported for it.

The wall holds here too: whoever watches is on the measuring side. An episode is handed its model, its sink and its
handles in the watcher's wrapping, which passes everything on as it is and gives nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from banchu.core.arm import Arm
from banchu.core.chat import CallRole
from banchu.experiments.config import RunConfig
from banchu.models import Model

if TYPE_CHECKING:
    from banchu.core.episode import Attempt
    from banchu.core.verdict import Verdict
    from banchu.graphs.context import EpisodeSink, Oracle, Prover

_Verdict: TypeAlias = "Coroutine[Any, Any, Verdict]"
Judging: TypeAlias = Callable[[], _Verdict]
"""Begins the judging of one attempt."""
CallSource = Literal["model", "shared", "ledger", "recording"]
"""Where an answer comes from: bought now, shared with an equal request in flight, bought before by this run, or by
another whose recording is used."""
VerdictSource = Literal["judge", "shared", "ledger"]
"""Where a verdict comes from: judged now, shared with an equal program in flight, or judged before."""


RecallSource = Literal["memory", "ledger"]
"""Where lessons come from: found now, or told again as they were told before."""
Found: TypeAlias = Callable[[Sequence[float], RecallSource], None]
"""Told of a recall the score of each lesson, in their order."""


class RunTrace(Protocol):
    """A run that is watched."""

    def ended(self, done: int, failed: int, open: int) -> None:
        """How many episodes ended how, when the run has ended."""


class EpisodeTrace(Protocol):
    """One episode that is watched."""

    def model(self, model: Model, source: Callable[[str], CallSource]) -> Model:
        """The model to use in its place. `source` tells of a request's key where its answer would come from."""

    def sink(self, sink: EpisodeSink) -> EpisodeSink: ...

    def oracle(self, oracle: Oracle) -> Oracle: ...

    def prover(self, prover: Prover) -> Prover: ...

    def calling(self, tool: str, role: CallRole) -> AbstractContextManager[None]:
        """Around one call of a tool by the model in a role; what it raises goes through."""

    def recalling(self, memory: str, scope: str, k: int) -> AbstractContextManager[Found]:
        """Around one recall of at most `k` lessons, by the arm's kind of memory and the pool's scope."""

    def judging(self, attempt: Attempt, judge: Judging, source: Callable[[], VerdictSource]) -> _Verdict:
        """What to await in the place of `judge()`. Asked for from behind the sink, which keeps what comes of it."""

    def ended(self, status: str, why: str, oracle_calls: int) -> None:
        """`done` with the stop rule, or `failed` with the error. Not called where the episode stays open."""


class Tracing(Protocol):
    """Watches one run at a time."""

    def run(self, name: str, config: RunConfig) -> AbstractContextManager[RunTrace]: ...

    def episode(self, task_id: str, arm: Arm, repeat: int) -> AbstractContextManager[EpisodeTrace]: ...


class Untraced:
    """Nobody watches: everything is used as it is."""

    def run(self, name: str, config: RunConfig) -> AbstractContextManager[RunTrace]:
        return nullcontext(_Unwatched())

    def episode(self, task_id: str, arm: Arm, repeat: int) -> AbstractContextManager[EpisodeTrace]:
        return nullcontext(UNTRACED)


class _Unwatched:
    def ended(self, done: int, failed: int, open: int) -> None: ...


class _Plain:
    def model(self, model: Model, source: Callable[[str], CallSource]) -> Model:
        return model

    def sink(self, sink: EpisodeSink) -> EpisodeSink:
        return sink

    def oracle(self, oracle: Oracle) -> Oracle:
        return oracle

    def prover(self, prover: Prover) -> Prover:
        return prover

    def calling(self, tool: str, role: CallRole) -> AbstractContextManager[None]:
        return nullcontext()

    def recalling(self, memory: str, scope: str, k: int) -> AbstractContextManager[Found]:
        return nullcontext(lambda scores, source: None)

    def judging(self, attempt: Attempt, judge: Judging, source: Callable[[], VerdictSource]) -> _Verdict:
        return judge()

    def ended(self, status: str, why: str, oracle_calls: int) -> None: ...


UNTRACED: Final[EpisodeTrace] = _Plain()
