"""What an episode is handed, with a span around each use. All of it is passed on as it is, errors included."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from banchu.core.chat import Completion, Request
from banchu.core.episode import Attempt, Check, Choice, Feedback
from banchu.core.verdict import Verdict
from banchu.experiments.otel import names
from banchu.experiments.otel.ends import NO_ERRORS, ending, fail_by
from banchu.experiments.tracing import CallSource
from banchu.graphs.context import EpisodeSink, Oracle, Prover
from banchu.models import Around, Model

if TYPE_CHECKING:
    from banchu.experiments.otel.spans import EpisodeSpans


class SpannedModel(Around):
    """A model in an episode. A call that is not made, because the run or the episode's budget ends, has no span."""

    def __init__(self, model: Model, episode: EpisodeSpans, source: Callable[[str], CallSource]) -> None:
        super().__init__(model)
        self._episode = episode
        self._source = source
        self._named = names.model_named(model.id)

    async def complete(self, request: Request) -> Completion:
        key = request.key(self.id)
        source, operation = self._source(key), names.operation(request)
        told = {
            names.OPERATION: operation,
            **self._named,
            **names.asked(request),
            "banchu.call.key": key,
            "banchu.answer.source": source,
        }
        span = self._episode.call(f"{operation} {self._named[names.REQUEST_MODEL]}", request, told)
        if self._episode.content:
            span.set_attributes(names.prompt_text(request))
        try:
            completion = await self._model.complete(request)
        except (*NO_ERRORS, asyncio.CancelledError):
            raise  # a span that does not end is not sent
        except Exception as error:
            fail_by(span, error)
            span.end()
            raise
        span.set_attributes(names.answered(completion, paid=source == "model"))
        if self._episode.content:
            span.set_attributes(names.answer_text(completion))
        span.end()
        return completion


class SpannedSink:
    """An episode's sink. What is measured behind it is not to be had here."""

    def __init__(self, sink: EpisodeSink, episode: EpisodeSpans) -> None:
        self._sink = sink
        self._episode = episode

    def attempt(self, attempt: Attempt) -> None:
        self._sink.attempt(attempt)
        self._episode.attempted(attempt.round)

    def feedback(self, feedback: Feedback) -> None:
        self._sink.feedback(feedback)
        self._episode.fed_back(feedback)

    def reflection(self, round: int, text: str) -> None:
        self._sink.reflection(round, text)

    def self_tests(self, tests: Sequence[str]) -> None:
        self._sink.self_tests(tests)

    def choice(self, choice: Choice) -> None:
        self._sink.choice(choice)
        self._episode.chose()


class SpannedOracle:
    """An episode's oracle: that it was asked, and not what it said."""

    def __init__(self, oracle: Oracle, episode: EpisodeSpans) -> None:
        self._oracle = oracle
        self._episode = episode

    async def __call__(self, attempt: Attempt) -> Verdict:
        with ending(self._episode.tool("oracle")):
            return await self._oracle(attempt)


class SpannedProver:
    """An episode's prover: what was run for how long, and neither the code nor what came of it."""

    def __init__(self, prover: Prover, episode: EpisodeSpans) -> None:
        self._prover = prover
        self._episode = episode

    async def check(self, tests: Sequence[str], code: str) -> Sequence[Check]:
        with ending(self._episode.tool("check")):
            return await self._prover.check(tests, code)

    async def trace(self, calls: Sequence[str], code: str) -> str:
        with ending(self._episode.tool("trace")):
            return await self._prover.trace(calls, code)

    async def outputs(self, calls: Sequence[str], code: str) -> Sequence[str]:
        with ending(self._episode.tool("outputs")):
            return await self._prover.outputs(calls, code)

    async def steps(self, call: str, code: str) -> str:
        with ending(self._episode.tool("steps")):
            return await self._prover.steps(call, code)
