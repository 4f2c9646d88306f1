"""Spans of real runs, as a collector gets them: tree, conventions, texts, the wall, errors, early ends."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from tests.experiments.collector import Collector, Seen, collecting
from tests.experiments.tooling import COUNT, WRONG, caller, count, kit

from banchu.benchmarks.garbage import with_garbage_tests
from banchu.core.chat import Completion, Message, Request, Sampling, TokenLogprob, ToolCall, Usage
from banchu.core.errors import ContextOverflow, ModelError
from banchu.core.sealed import unseal
from banchu.experiments.otel import names, traced
from banchu.models.recorded import Recording

pytestmark = pytest.mark.slow  # whole runs, each walked twice

ARMS = "none,intrinsic,self_tests,oracle_trace"
TREE = "self_tests+search=tree+width=2+rounds=4,none+choose=majority,self_tests+explain=blocks"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CLIENT = 3


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


class Watchful:
    """A fake that looks for a span to read, as instrumented code would."""

    def __init__(self, model: Any) -> None:
        self.model, self.id, self.prompt_style = model, model.id, model.prompt_style
        self.found: list[bool] = []

    async def complete(self, request: Request) -> Completion:
        self.found.append(trace.get_current_span().get_span_context().is_valid)
        completion: Completion = await self.model.complete(request)
        return replace(completion, usage=replace(completion.usage, reasoning_tokens=1))

    async def aclose(self) -> None: ...


async def test_a_run_is_a_tree_of_what_its_ledger_holds(lab: Any, collector: Collector) -> None:
    model, told = Watchful(lab.fickle()), list[str]()
    with traced(collector.url, told.append) as tracing:
        assert (await lab.run("a", lab.tasks(2), ARMS, model=model, tracing=tracing)).complete
    assert told == [f"otel: {len(collector.spans)} spans to 127.0.0.1:{collector.port}"]
    assert set(collector.paths) == {"/v1/traces"}
    assert len({span.trace for span in collector.spans}) == 1
    (run,) = collector.named("invoke_workflow")
    by_id = {span.id: span for span in collector.spans}
    for span in collector.spans:
        assert (span is run) == (span.parent == "")
        above = by_id.get(span.parent, span)
        assert above.begun <= span.begun <= span.ended <= above.ended
    assert (run.name, run.told["banchu.arms"], run.told["banchu.episodes.done"]) == (
        "invoke_workflow humaneval",
        ARMS.split(","),
        8,
    )
    with lab.ledger("a") as ledger:
        for episode in ledger.episodes():
            (span,) = [each for each in collector.named("invoke_agent") if whose(each) == whose_is(episode)]
            assert span.parent == run.id
            assert span.told["banchu.stopped_by"] == episode.stopped_by
            assert span.told["banchu.oracle_calls"] == episode.oracle_calls
            of_episode = [each for each in collector.spans if each is not span and whose(each) == whose_is(episode)]
            called = Counter((s.told["banchu.role"], s.told["banchu.round"]) for s in of_episode if s.kind == CLIENT)
            assert called == Counter((call.role, call.round) for call in episode.calls)
            judged = {s.told["banchu.round"]: s for s in of_episode if s.name == "judge"}
            assert len(judged) == len(episode.attempts)
            for attempt in episode.attempts:
                assert attempt.verdict
                result = judged[attempt.attempt.round].events["gen_ai.evaluation.result"]
                assert result["gen_ai.evaluation.score.label"] == attempt.verdict.kind
                assert result["gen_ai.evaluation.score.value"] == attempt.verdict.passed
                assert judged[attempt.attempt.round].parent == span.id
            feedback = [s for s in of_episode if s.name.startswith("feedback")]
            assert sorted(s.told["banchu.round"] for s in feedback) == list(range(len(episode.accepts)))
            inside = [s for s in of_episode if s.told.get("banchu.role") in ("critic", "tester")]
            assert {by_id[s.parent].name for s in inside} <= {"feedback intrinsic", "feedback self_tests"}
            assert {s.parent for s in of_episode if s.told.get("banchu.role") in ("actor", "reflector")} <= {span.id}
        sources = Counter(span.told["banchu.verdict.source"] for span in collector.named("judge"))
        codes = {(e.task_id, j.attempt.code) for e in ledger.episodes() for j in e.attempts}
        assert sources["judge"] == len(codes) < sum(sources.values())
        assert set(sources) <= {"judge", "shared", "ledger"}
        bought = [span for span in collector.spans if span.told.get("banchu.answer.source") == "model"]
        paid = [sum(span.told[f"gen_ai.usage.{kind}_tokens"] for span in bought) for kind in ("input", "output")]
        assert paid == [ledger.purchased().prompt_tokens, ledger.purchased().completion_tokens]
        assert sum(s.told["gen_ai.usage.reasoning.output_tokens"] for s in bought) == len(bought) == len(model.found)
    others = [span for span in collector.spans if span.kind == CLIENT and span not in bought]
    assert {span.told["banchu.answer.source"] for span in others} <= {"shared", "ledger"}
    assert not any("gen_ai.usage" in name for span in others for name in span.told)
    assert any(span.name == "execute_tool check" for span in collector.spans)
    assert any(span.name == "execute_tool oracle" for span in collector.spans)
    assert not any(model.found)


def whose(span: Seen) -> tuple[Any, ...]:
    return tuple(span.told.get(f"banchu.{part}") for part in ("task_id", "arm", "repeat"))


def whose_is(episode: Any) -> tuple[Any, ...]:
    return episode.task_id, episode.arm, episode.repeat


async def test_names_are_those_of_the_conventions(lab: Any, collector: Collector) -> None:
    with traced(collector.url) as tracing:
        await lab.run("a", lab.tasks(1), ARMS, tracing=tracing)
    call = next(span for span in collector.spans if span.kind == CLIENT)
    sampling = lab.config(lab.tasks(1), ARMS).sampling
    assert call.name == f"chat {call.told['gen_ai.request.model']}"
    assert call.told["gen_ai.operation.name"] == "chat"
    assert call.told["gen_ai.provider.name"] == "scripted"
    assert call.told["gen_ai.request.temperature"] == sampling.temperature
    assert call.told["gen_ai.request.max_tokens"] == sampling.max_tokens
    assert call.told["gen_ai.response.finish_reasons"] == ["stop"]
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    used = {name for span in collector.spans for told in (span.told, *span.events.values()) for name in told}
    assert {name for name in used if not name.startswith("banchu.")} <= {*known, "error.type"}
    operations = {span.told[names.OPERATION] for span in collector.spans if names.OPERATION in span.told}
    assert operations <= {each.value for each in gen_ai_attributes.GenAiOperationNameValues}
    (resource,) = {json.dumps(each, sort_keys=True): each for each in collector.resources}.values()
    assert resource["service.name"] == "banchu"


@pytest.mark.parametrize(
    ("id", "provider", "model", "server"),
    [
        ("openai:gpt-4o-mini@https://api.openai.com/v1", "openai", "gpt-4o-mini", ("api.openai.com", 443)),
        ("openai:org/m@main@http://127.0.0.1:8000/v1 without seed", "openai", "org/m@main", ("127.0.0.1", 8000)),
        ("hf:org/model@0123abc", "hf", "org/model", ()),
        ("smollm2@0123abc", "smollm2", "smollm2", ()),
        ("mine", "mine", "mine", ()),
    ],
)
def test_a_model_is_named_by_provider_name_and_server(
    id: str, provider: str, model: str, server: tuple[Any, ...]
) -> None:
    named = names.model_named(id)
    assert (named["gen_ai.provider.name"], named["gen_ai.request.model"]) == (provider, model)
    assert tuple(named[name] for name in ("server.address", "server.port") if name in named) == server


async def test_texts_are_sent_only_to_those_who_ask(
    lab: Any, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = lab.tasks(1).tasks[0]
    secrets = [task.task.prompt.splitlines()[-2].strip(), "I overlooked", "may be missed", *sealed_lines(task)]
    with traced(collector.url) as tracing:
        await lab.run("a", lab.tasks(1), ARMS, tracing=tracing)
    assert collector.spans
    assert [secret for secret in secrets if secret.encode() in collector.raw] == []
    collector.spans.clear()
    monkeypatch.setenv(CAPTURE, "true")
    with traced(collector.url) as tracing:
        await lab.run("b", lab.tasks(1), ARMS, tracing=tracing)
    critic = next(span for span in collector.spans if span.told.get("banchu.role") == "critic")
    asked = json.loads(critic.told["gen_ai.input.messages"])
    assert [message["role"] for message in asked][-1] == "user"
    (answer,) = json.loads(critic.told["gen_ai.output.messages"])
    assert answer["role"] == "assistant"
    assert "VERDICT:" in answer["parts"][0]["content"]
    # What measures says nothing in words, asked or not.
    assert not any("explanation" in name for span in collector.spans for name in span.told)


def sealed_lines(task: Any) -> list[str]:
    return [line.strip() for line in unseal(task.sealed).check.splitlines() if "assert" in line][:5]


def test_messages_have_the_form_of_the_conventions() -> None:
    request = Request((Message("system", "s"), Message("user", "u")), Sampling(), prefill="def")
    assert json.loads(names.prompt_text(request)["gen_ai.input.messages"]) == [
        {"role": role, "parts": [{"type": "text", "content": text}]}
        for role, text in (("system", "s"), ("user", "u"), ("assistant", "def"))
    ]
    assert json.loads(names.prompt_text(Request("raw \ud83d"))["gen_ai.input.messages"])[0]["role"] == "user"
    call = ToolCall("run", "{}", "c")
    completion = Completion("", Usage(), "stop", 0.0, (call,), (TokenLogprob("x", -1.0),))
    (message,) = json.loads(names.answer_text(completion)["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "tool_call", "id": "c", "name": "run", "arguments": "{}"}]


@pytest.mark.parametrize(
    ("arms", "n"),
    [
        ("intrinsic,visible_tests+choose=majority", 1),
        pytest.param(f"none,self_tests,execution,{TREE}", 3, marks=pytest.mark.slow),
    ],
)
async def test_being_watched_changes_nothing_and_lets_nothing_through(
    lab: Any, collector: Collector, arms: str, n: int
) -> None:
    tasks = lab.tasks(n)
    await lab.run("unwatched", tasks, arms)
    with traced(collector.url) as tracing:
        await lab.run("watched", tasks, arms, tracing=tracing)
        garbage = with_garbage_tests(tasks)
        await lab.run("garbage", garbage, arms, model=lab.fickle(tasks), tracing=tracing)
    assert lab.trajectories("watched") == lab.trajectories("unwatched") == lab.trajectories("garbage")
    kinds = [span.name.partition(" ")[0] for span in collector.spans]
    assert {"choose", "judge", "feedback", "chat"} <= set(kinds) or TREE in arms
    assert kinds.count("invoke_workflow") == 2


class Failing(Watchful):
    """A fake whose critic is busy, and whose second answers do not fit."""

    async def complete(self, request: Request) -> Completion:
        if request.role == "critic":
            raise ModelError("busy \ud83d", retryable=True, status=503)
        if request.round == 1:
            raise ContextOverflow("too long", status=400)
        return await super().complete(request)


async def test_errors_are_on_the_spans_that_met_them(lab: Any, collector: Collector) -> None:
    with traced(collector.url) as tracing:
        await lab.run("a", lab.tasks(1), "none,intrinsic", model=Failing(lab.fickle()), tracing=tracing)
    failed = {span.name: span for span in collector.spans if span.failed is not None}
    assert {name.partition(" ")[0] for name in failed} == {"chat", "invoke_agent"}
    kinds = {(s.told.get("banchu.role"), s.told["error.type"]) for s in collector.spans if s.failed is not None}
    assert kinds == {("critic", "503"), ("actor", "ContextOverflow"), (None, "model_error")}
    assert {span.told["banchu.status"] for span in collector.named("invoke_agent")} == {"failed"}
    assert "too long" in (failed["invoke_agent none"].failed or "")


async def test_a_run_that_is_ended_early_is_sent_as_far_as_it_came(lab: Any, collector: Collector) -> None:
    class Draining(Watchful):
        async def complete(self, request: Request) -> Completion:
            if len(self.found) == 3:
                runner.drain()
            return await super().complete(request)

    with traced(collector.url) as tracing:
        runner = lab.runner("a", lab.tasks(4), "none", model=Draining(lab.fickle()), tracing=tracing)
        outcome = await runner.run()
    assert outcome.open
    (run,) = collector.named("invoke_workflow")
    assert run.told["banchu.episodes.open"] == outcome.open
    assert run.failed is None
    left = [span for span in collector.named("invoke_agent") if "banchu.status" not in span.told]
    assert left
    assert all(span.failed is None for span in left)
    with lab.ledger("a") as ledger:
        assert len([s for s in collector.spans if s.kind == CLIENT]) == sum(each.calls for each in ledger.bought())
    collector.spans.clear()
    with traced(collector.url) as tracing:
        await lab.run("a", lab.tasks(4), "none", tracing=tracing)
    assert {span.told["banchu.answer.source"] for span in collector.spans if span.kind == CLIENT} >= {"ledger", "model"}


async def test_an_answer_out_of_a_recording_is_told_from_one_that_was_bought(lab: Any, collector: Collector) -> None:
    path = lab.folder / "answers.jsonl"
    for name, mode in (("a", "record"), ("b", "record"), ("c", "replay")):
        collector.spans.clear()
        with recorded(path, mode, lab) as recording, traced(collector.url) as tracing:
            await lab.run(name, lab.tasks(1), "none", model=recording.open("x"), tracing=tracing)
        sources = {span.told["banchu.answer.source"] for span in collector.spans if span.kind == CLIENT}
        assert sources == ({"model"} if name == "a" else {"recording"})


def recorded(path: Path, mode: Any, lab: Any) -> Recording:
    return Recording(path, mode, opener=lambda spec, options: lab.fickle())


async def test_a_tool_that_a_model_calls_is_a_span_below_whoever_called(lab: Any, collector: Collector) -> None:
    with traced(collector.url, lambda line: None) as tracing:
        arms = "none+tools=actor,tools"
        await lab.run("a", lab.tasks(3), arms, caller(lab, COUNT, WRONG), rounds=1, kit=kit(count), tracing=tracing)
    by_id, found = {span.id: span for span in collector.spans}, collector.named("execute_tool count")
    with lab.ledger("a") as ledger:
        calls = [(e, call) for e in ledger.episodes() for call in e.tool_calls]
    assert Counter((*whose_is(e), call.role) for e, call in calls) == Counter(
        (*whose(span), span.told["banchu.role"]) for span in found
    )
    assert {(span.told["banchu.role"], by_id[span.parent].name) for span in found} == {
        ("actor", "invoke_agent none+tools=actor"),
        ("critic", "feedback tools"),
    }
    assert {span.told.get("error.type") for span in found} == {None, "BadArguments"}
    told = str([span.told for span in found])
    assert "rose" not in told  # neither arguments nor results
