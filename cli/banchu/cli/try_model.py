"""One small request to a model, as an actor makes it: whether it answers, what, and what that costs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import typer

from banchu.agents import Actor
from banchu.cli.output import print_json
from banchu.core.chat import Completion, Request, Sampling
from banchu.core.task import Task
from banchu.models import Around
from banchu.models.registry import ModelOptions, open_model

TASK = Task("try", "try", 'def triple(x: int) -> int:\n    """Return three times x."""\n', "triple")


class _Watched(Around):
    """The model, with what it answered kept."""

    answer: Completion | None = None

    async def complete(self, request: Request) -> Completion:
        self.answer = await super().complete(request)
        return self.answer


def try_model(spec: str, options: ModelOptions, *, as_json: bool) -> None:
    """Print the answer. Exits 1 where it holds no program; errors of the model come through as they are."""
    model = _Watched(open_model(spec, replace(options, workers=options.workers or _one(spec))))

    async def ask() -> tuple[str | None, float]:
        begun = time.monotonic()
        try:
            attempt = await Actor(model, Sampling(max_tokens=96)).attempt(TASK, round=0, seed=0)
            return attempt.code, time.monotonic() - begun
        finally:
            await model.aclose()

    code, seconds = asyncio.run(ask())
    answer = model.answer
    assert answer is not None
    found = {
        "model": model.id,
        "style": model.prompt_style,
        "reply": answer.text,
        "code": code,
        "finish_reason": answer.finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "seconds": round(seconds, 3),
    }
    if as_json:
        print_json(found)
    else:
        print(f"{model.id}, asked in {model.prompt_style} style for a function that triples a number")
        print("\n".join(f"   │ {line}" for line in answer.text.splitlines() or ["(nothing)"]))
        print(
            f"{found['prompt_tokens']} + {found['completion_tokens']} tokens, {answer.finish_reason}, {seconds:.1f} s "
            f"with loading; {'a program was read' if code else 'no program could be read from it'}"
        )
    if code is None:
        raise typer.Exit(1)


def _one(spec: str) -> int | None:
    """One process is enough for one request."""
    return 1 if spec == "smollm2" or spec.startswith("hf:") else None
