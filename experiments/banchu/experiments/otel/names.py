"""What spans and their attributes are called: OpenTelemetry's GenAI conventions, as its package of constants has them.

The names are those of opentelemetry-semantic-conventions 0.66b2 (conventions 1.44). GenAI is not stable in them, and
has moved to a repository of its own. So the names are written out here, and a test compares them with the package. What
the conventions have no name for begins with `banchu.`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from banchu.core.chat import Completion, Request
from banchu.core.episode import Feedback
from banchu.core.verdict import Verdict
from banchu.experiments.config import RunConfig

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
WORKFLOW: Final = "gen_ai.workflow.name"
AGENT: Final = "gen_ai.agent.name"
TOOL: Final = "gen_ai.tool.name"
ERROR_TYPE: Final = "error.type"
EVALUATION: Final = "gen_ai.evaluation.result"
"""An event, on the span of the judging."""

Plain = dict[str, Any]
"""Attributes by name."""


def model_named(id: str) -> Plain:
    """Provider, model and server out of a model's id, such as `openai:gpt-4o-mini@https://api.openai.com/v1`."""
    name, _, where = id.partition("@http")
    kind, _, rest = name.partition(":")
    kind = kind.partition("@")[0]
    # Without a server, what follows the last @ names weights or a script by their digest.
    found: Plain = {PROVIDER: kind, REQUEST_MODEL: (rest if where else rest.rpartition("@")[0] or rest) or kind}
    if where:
        server = urlsplit(f"http{where.partition(' ')[0]}")
        port = server.port or (443 if server.scheme == "https" else 80)
        found |= {"server.address": server.hostname or "", "server.port": port}
    return found


def operation(request: Request) -> str:
    return "text_completion" if isinstance(request.prompt, str) else "chat"


def asked(request: Request) -> Plain:
    """How an answer is sampled; no text."""
    sampling = request.sampling
    found: Plain = {
        "gen_ai.request.temperature": sampling.temperature,
        "gen_ai.request.top_p": sampling.top_p,
        "gen_ai.request.max_tokens": sampling.max_tokens,
        "gen_ai.request.seed": sampling.seed,
    }
    if sampling.stop:
        found["gen_ai.request.stop_sequences"] = sampling.stop
    if request.answer_schema:
        found["gen_ai.output.type"] = "json"
    return found


def answered(completion: Completion, *, paid: bool) -> Plain:
    """How an answer ended. Tokens only where they were paid for by this call, so that they may be added up."""
    found: Plain = {
        "gen_ai.response.finish_reasons": (completion.finish_reason,),
        "banchu.answer.wall_s": completion.wall_s,
    }
    if paid:
        usage = completion.usage
        found |= {
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.output_tokens": usage.completion_tokens,
        }
        if usage.reasoning_tokens:
            found["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning_tokens
    return found


def prompt_text(request: Request) -> Plain:
    """What was asked, in the form of the conventions. Only for those who asked for content."""
    said = request.prompt
    told = [("user", said)] if isinstance(said, str) else [(message.role, message.text) for message in said]
    told += [("assistant", request.prefill)] if request.prefill else []
    return {"gen_ai.input.messages": json.dumps([{"role": role, "parts": [_text(text)]} for role, text in told])}


def answer_text(completion: Completion) -> Plain:
    """What was answered, likewise."""
    parts: list[Plain] = [_text(completion.text)] if completion.text else []
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in completion.tool_calls
    ]
    message = {"role": "assistant", "parts": parts, "finish_reason": completion.finish_reason}
    return {"gen_ai.output.messages": json.dumps([message])}


def recalling(memory: str, scope: str, k: int) -> Plain:
    """What is asked of a memory."""
    return {
        OPERATION: "retrieval",
        "banchu.memory.kind": memory,
        "banchu.memory.scope": scope,
        "banchu.memory.k": k,
    }


def recalled(scores: Sequence[float], source: str) -> Plain:
    """What it gave, without the lessons."""
    return {
        "banchu.memory.found": len(scores),
        "banchu.memory.scores": tuple(scores),
        "banchu.memory.source": source,
    }


def fed_back(feedback: Feedback) -> Plain:
    """What kind of feedback it was, without its text."""
    found: Plain = {"banchu.feedback.source": feedback.source, "banchu.feedback.shown": bool(feedback.text)}
    return found if feedback.accepts is None else {**found, "banchu.feedback.accepts": feedback.accepts}


def evaluated(verdict: Verdict) -> Plain:
    """A verdict, without its texts."""
    return {
        "gen_ai.evaluation.name": "sealed_tests",
        "gen_ai.evaluation.score.value": float(verdict.passed),
        "gen_ai.evaluation.score.label": verdict.kind,
    }


def run_named(name: str, config: RunConfig) -> Plain:
    """What a run is."""
    return {
        OPERATION: "invoke_workflow",
        WORKFLOW: config.benchmark,
        "banchu.run": name,
        "banchu.model": config.model,
        "banchu.tasks": len(config.tasks),
        "banchu.arms": config.arms,
        "banchu.rounds": config.rounds,
        "banchu.repeats": config.repeats,
        "banchu.seed": config.seed,
    }


def _text(content: str) -> Plain:
    return {"type": "text", "content": content}
