"""A run as spans: run, episodes, model calls, feedback; and, from the measuring side, the judging of each attempt.

No span is ever the current one of a context: what runs inside an episode cannot ask OpenTelemetry for one. A span is
written to and never read. What a program or a model said is in none, unless whoever runs it asks for messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, set_span_in_context

from banchu.core.arm import Arm
from banchu.core.chat import CallRole, Request
from banchu.core.episode import Attempt, Feedback
from banchu.core.verdict import Verdict
from banchu.experiments.config import RunConfig
from banchu.experiments.otel import names
from banchu.experiments.otel.ends import ending, fail
from banchu.experiments.otel.handles import SpannedModel, SpannedOracle, SpannedProver, SpannedSink
from banchu.experiments.tracing import CallSource, Found, Judging, VerdictSource
from banchu.graphs.context import EpisodeSink, Oracle, Prover
from banchu.models import Model

_IN_FEEDBACK: Final[frozenset[CallRole]] = frozenset({"critic", "tester"})
_NOBODY: Final = Context()
"""Not the current context: whatever program calls us has no part in the trace."""


class Spans:
    """`Tracing` as OpenTelemetry has it.

    Args:
        tracer: makes the spans.
        content: record prompts and answers too.
    """

    def __init__(self, tracer: Tracer, *, content: bool = False) -> None:
        self._tracer = tracer
        self.content = content
        self._run: Span | None = None

    @contextmanager
    def run(self, name: str, config: RunConfig) -> Iterator[RunSpan]:
        span = self._run = self.start(f"invoke_workflow {config.benchmark}", None, names.run_named(name, config))
        with ending(span):
            yield RunSpan(span)

    @contextmanager
    def episode(self, task_id: str, arm: Arm, repeat: int) -> Iterator[EpisodeSpans]:
        told: names.Plain = {"banchu.task_id": task_id, "banchu.arm": arm.name, "banchu.repeat": repeat}
        named = {names.OPERATION: "invoke_agent", names.AGENT: arm.name, **told}
        span = self.start(f"invoke_agent {arm.name}", self._run, named)
        with ending(span):
            episode = EpisodeSpans(self, span, told)
            try:
                yield episode
            finally:
                episode.close()

    def start(
        self, name: str, parent: Span | None, told: names.Plain, *, call: bool = False, at: int | None = None
    ) -> Span:
        """A span that begins, now or `at` a time in nanoseconds of the epoch."""
        context = set_span_in_context(parent, _NOBODY) if parent else _NOBODY
        kind = SpanKind.CLIENT if call else SpanKind.INTERNAL
        return self._tracer.start_span(name, context, kind, told, start_time=at)


class RunSpan:
    """What becomes of a run."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def ended(self, done: int, failed: int, open: int) -> None:
        counts = {"done": done, "failed": failed, "open": open}
        self._span.set_attributes({f"banchu.episodes.{status}": count for status, count in counts.items()})


class EpisodeSpans:
    """The spans of one episode, and the wrappings that make them.

    Args:
        told: the episode's name, which each of its spans has.
    """

    def __init__(self, spans: Spans, span: Span, told: names.Plain) -> None:
        self._spans = spans
        self._span = span
        self._told = told
        self._attempt: tuple[int, int] | None = None
        """When the last attempt was made, and its round; None where its feedback was given, or there is none yet."""
        self._feedback: Span | None = None

    @property
    def content(self) -> bool:
        return self._spans.content

    def model(self, model: Model, source: Callable[[str], CallSource]) -> Model:
        return SpannedModel(model, self, source)

    def sink(self, sink: EpisodeSink) -> EpisodeSink:
        return SpannedSink(sink, self)

    def oracle(self, oracle: Oracle) -> Oracle:
        return SpannedOracle(oracle, self)

    def prover(self, prover: Prover) -> Prover:
        return SpannedProver(prover, self)

    async def judging(self, attempt: Attempt, judge: Judging, source: Callable[[], VerdictSource]) -> Verdict:
        told = {**self._told, "banchu.round": attempt.round, "banchu.verdict.source": source()}
        span = self._spans.start("judge", self._span, told)
        with ending(span):
            verdict = await judge()
            # Its texts stay in the ledger: they may quote sealed tests.
            span.add_event(names.EVALUATION, names.evaluated(verdict))
            span.set_attributes(
                {"banchu.tests_passed": verdict.tests_passed, "banchu.tests_total": verdict.tests_total}
            )
            return verdict

    def ended(self, status: str, why: str, oracle_calls: int) -> None:
        self._span.set_attributes({"banchu.status": status, "banchu.oracle_calls": oracle_calls})
        if status == "done":
            self._span.set_attribute("banchu.stopped_by", why)
        else:
            fail(self._span, "model_error", why)

    def call(self, name: str, request: Request, told: names.Plain) -> Span:
        """A call of a model."""
        parent = self._under() if request.role in _IN_FEEDBACK else self._span
        told = {**told, **self._told, "banchu.role": request.role, "banchu.round": request.round}
        return self._spans.start(name, parent, told, call=True)

    def tool(self, name: str) -> Span:
        """Code that is run, or the oracle that is asked, by whatever the episode is at."""
        told = {names.OPERATION: "execute_tool", names.TOOL: name, **self._told}
        return self._spans.start(f"execute_tool {name}", self._under(), told)

    def calling(self, tool: str, role: CallRole) -> AbstractContextManager[None]:
        """A call of a tool by a model: neither its arguments nor its result, which are in the ledger."""
        parent = self._under() if role in _IN_FEEDBACK else self._span
        told = {names.OPERATION: "execute_tool", names.TOOL: tool, **self._told, "banchu.role": role}
        return ending(self._spans.start(f"execute_tool {tool}", parent, told))

    @contextmanager
    def recalling(self, memory: str, scope: str, k: int) -> Iterator[Found]:
        """A recall, without the lessons, which are in the ledger."""
        span = self._spans.start(f"retrieval {memory}", self._span, {**names.recalling(memory, scope, k), **self._told})
        with ending(span):
            yield lambda scores, source: span.set_attributes(names.recalled(scores, source))

    def attempted(self, round: int) -> None:
        """What follows is about this attempt."""
        self._attempt = (time.time_ns(), round)

    def fed_back(self, feedback: Feedback) -> None:
        """The feedback on the last attempt is made, and was this."""
        self._under()
        if self._feedback:
            self._feedback.update_name(f"feedback {feedback.source}")
            self._feedback.set_attributes(names.fed_back(feedback))
        self.close()

    def chose(self) -> None:
        """The answer is chosen; if nothing was said of the attempt, what was run after it was run for this."""
        if self._feedback:
            self._feedback.update_name("choose")
        self.close()

    def close(self) -> None:
        """What followed the last attempt is over."""
        if self._feedback:
            self._feedback.end()
        self._feedback = self._attempt = None

    def _under(self) -> Span:
        """The span of what follows the last attempt, begun when there is something in it: before, nobody knows
        whether anything follows."""
        if self._attempt is None:
            return self._span
        if self._feedback is None:
            at, round = self._attempt
            told = {**self._told, "banchu.round": round}
            self._feedback = self._spans.start("feedback", self._span, told, at=at)
        return self._feedback
