"""What every model must do, asked of every kind of model: in process, over HTTP, scripted and real."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from banchu.core.chat import Message, Request, Sampling
from banchu.models.local import smollm2
from banchu.models.protocol import Model
from banchu.models.registry import ModelOptions, open_model
from banchu.models.scripted import ScriptedModel

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

REPLY = "def add(a, b):\n    total = a + b\n    return total\n\nprint(add(1, 2))\n# That is all there is to it."
CHAT = (Message("system", "You write Python."), Message("user", "Write a function that adds two numbers."))
RAW = '```python\ndef add(a, b):\n    """Add two numbers, and say what is done."""\n   '
KINDS = [
    *("function", "script", "script over HTTP"),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("tiny", "smollm2", "smollm2 over HTTP")),
    pytest.param("vllm", marks=[pytest.mark.slow, pytest.mark.skipif(not find_spec("vllm"), reason="no vLLM here")]),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=KINDS)
async def model(
    request: pytest.FixtureRequest,
    serve: Callable[..., str],
    tiny: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Model]:
    kind, _, where = request.param.partition(" over ")
    script = tmp_path_factory.mktemp("script") / "script.jsonl"
    script.write_text(json.dumps({"reply": REPLY}) + "\n")
    specs = {"script": f"scripted:{script}", "tiny": f"hf:{tiny}", "smollm2": "smollm2"}
    opened: Model
    if where:
        url = serve("--model", specs[kind], "--name", "served")
        opened = open_model("openai:served", ModelOptions(base_url=url))
    elif kind == "function":
        opened = ScriptedModel(lambda request: f"{request.sampling.seed} {REPLY}")
    elif kind == "vllm":
        opened = open_model(f"vllm:{smollm2.checkpoint()}+dtype=float32+max_model_len=2048+enforce_eager=true")
    else:
        opened = open_model(specs[kind], None if kind == "script" else ModelOptions(workers=1))
    yield opened
    await opened.aclose()


def prompts(max_tokens: int = 24, temperature: float = 0.0) -> list[Request]:
    if temperature:
        return [Request(RAW, Sampling(temperature, max_tokens=max_tokens))]
    # A chat for the tiny checkpoint must do without a system message: its template refuses one.
    return [Request(prompt, Sampling(0.0, max_tokens=max_tokens)) for prompt in (CHAT[1:], RAW)]


async def test_the_id_stays_and_the_style_is_one_of_two(model: Model) -> None:
    before = model.id
    await model.complete(prompts(2)[0])
    assert model.id == before
    assert model.prompt_style in {"chat", "completion"}


async def test_an_answer_has_text_usage_and_a_reason(model: Model) -> None:
    for request in prompts():
        answer = await model.complete(request)
        assert answer.text
        assert answer.finish_reason in {"stop", "length"}
        assert answer.usage.prompt_tokens > 0
        assert 0 < answer.usage.completion_tokens <= request.sampling.max_tokens
        assert answer.wall_s >= 0


async def test_the_same_request_gives_the_same_answer(model: Model) -> None:
    for request in [*prompts(), *prompts(temperature=1.0)]:
        first, second = [await model.complete(request) for _ in range(2)]
        assert (first.text, first.usage, first.finish_reason) == (second.text, second.usage, second.finish_reason)


async def test_other_seeds_give_other_answers(model: Model, request: pytest.FixtureRequest) -> None:
    (sampled,) = prompts(24, temperature=1.0)
    seeds = [dataclasses.replace(sampled, sampling=dataclasses.replace(sampled.sampling, seed=s)) for s in range(4)]
    answers = await asyncio.gather(*(model.complete(request) for request in seeds))
    samples = "script" not in request.node.callspec.params["model"]
    assert len({answer.text for answer in answers}) == (4 if samples else 1)


async def test_an_answer_ends_before_its_stop_text(model: Model) -> None:
    for request in prompts():
        whole = (await model.complete(request)).text
        stop = whole[len(whole) // 3 :][:3]
        sampling = dataclasses.replace(request.sampling, stop=("never in there", stop))
        answer = await model.complete(dataclasses.replace(request, sampling=sampling))
        assert answer.text == whole[: whole.index(stop)]
        assert answer.finish_reason == "stop"


async def test_max_tokens_cuts_and_says_so(model: Model) -> None:
    for request in prompts(3):
        answer = await model.complete(request)
        assert (answer.finish_reason, answer.usage.completion_tokens) == ("length", 3)


async def test_calls_at_once_get_their_own_answers(model: Model) -> None:
    requests = [r for n in (1, 4, 9, 16) for r in prompts(n)]
    alone = [(await model.complete(request)).text for request in requests]
    together = await asyncio.gather(*(model.complete(request) for request in requests))
    assert [answer.text for answer in together] == alone


async def test_who_asks_and_when_changes_nothing(model: Model) -> None:
    for request in prompts(6):
        other = dataclasses.replace(request, role="critic", round=3)
        assert (await model.complete(other)).text == (await model.complete(request)).text


async def test_closing_twice_is_closing_once(model: Model) -> None:
    await model.aclose()
    await model.aclose()


@pytest.mark.slow
async def test_smollm2_answers_over_http_as_in_process(serve: Callable[..., str]) -> None:
    here = open_model("smollm2", ModelOptions(workers=1))
    url = serve("--model", "smollm2", "--name", "served")
    there = open_model("openai:served", ModelOptions(base_url=url))
    try:
        # One by one: in a batch of another shape a near-tie may fall the other way.
        for request in [Request(CHAT, Sampling(0.0, max_tokens=48)), *prompts(48), *prompts(48, temperature=0.8)]:
            ours, theirs = await here.complete(request), await there.complete(request)
            assert (ours.text, ours.usage, ours.finish_reason) == (theirs.text, theirs.usage, theirs.finish_reason)
    finally:
        await here.aclose()
        await there.aclose()
