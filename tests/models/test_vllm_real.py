"""The real vLLM with a real model, where it is installed: `pip install 'banchu[vllm]'`, or a build for CPUs."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import inspect
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.models import fake_vllm

from banchu.benchmarks import load_benchmark
from banchu.core.chat import Message, Request, Sampling
from banchu.core.errors import ContextOverflow
from banchu.models.local import smollm2
from banchu.models.protocol import Model
from banchu.models.registry import ModelOptions, open_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed"),
]
SETTINGS = "+dtype=float32+max_model_len=2048+enforce_eager=true"
"""As the local engine computes on a CPU; eager, because compiling takes longer than these tests."""
TASKS, TOKENS = 10, 64


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[Model]:
    found = open_model(f"vllm:{smollm2.checkpoint()}{SETTINGS}", ModelOptions(style="completion"))
    yield found
    await found.aclose()


def requests() -> list[Request]:
    """The first tasks of HumanEval, as raw text and in a chat, greedy."""
    sampling = Sampling(0.0, max_tokens=TOKENS, stop=("\ndef ", "\nclass ", "\nif __name__"))
    tasks = [pair.task for pair in load_benchmark("humaneval").tasks[:TASKS]]
    raw = [Request(f"```python\n{task.prompt.rstrip()}\n    ", sampling) for task in tasks]
    chat = [Request((Message("user", f"Complete this function.\n\n{task.prompt}"),), sampling) for task in tasks]
    return [*raw, *chat]


async def test_greedy_answers_are_those_of_the_local_engine(model: Model) -> None:
    """One in ten may differ: two tokens may be nearly as likely, and sums are ordered otherwise."""
    local = open_model(f"hf:{smollm2.checkpoint()}", ModelOptions(workers=1))
    try:
        theirs = await asyncio.gather(*(local.complete(request) for request in requests()))
    finally:
        await local.aclose()
    ours = await asyncio.gather(*(model.complete(request) for request in requests()))
    other = [(mine.text, their.text) for mine, their in zip(ours, theirs, strict=True) if mine.text != their.text]
    print(f"{len(ours) - len(other)} of {len(ours)} greedy answers are equal; the others: {other}")
    assert len(other) <= len(ours) // 10
    for mine, their in zip(ours, theirs, strict=True):
        assert mine.usage.prompt_tokens == their.usage.prompt_tokens
        if mine.text == their.text:
            assert mine.finish_reason == their.finish_reason
            # vLLM counts the token that ends an answer.
            assert mine.usage.completion_tokens - their.usage.completion_tokens in (0, 1)


async def test_a_sample_is_the_same_alone_and_in_company(model: Model) -> None:
    prompt = requests()[0].prompt
    seeds = [Request(prompt, Sampling(0.8, 0.95, max_tokens=32, seed=seed)) for seed in range(6)]
    alone = [(await model.complete(request)).text for request in seeds]
    together = await asyncio.gather(*(model.complete(request) for request in seeds))
    assert [answer.text for answer in together] == alone
    assert len(set(alone)) == 6


async def test_what_is_asked_beside_text_is_had(model: Model) -> None:
    asked = (Message("user", "Give a person as JSON."),)
    schema = (
        '{"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], '
        '"additionalProperties": false}'
    )
    person = await model.complete(Request(asked, Sampling(0.0, max_tokens=40), answer_schema=schema))
    assert '"age":' in person.text.replace(" ", "")
    begun = await model.complete(Request((Message("user", "Say hi."),), Sampling(0.0, max_tokens=8), prefill="Hi, I"))
    assert begun.text
    assert not begun.text.startswith("Hi, I")
    told = await model.complete(Request("def add(a, b):\n    return", Sampling(0.0, max_tokens=4), logprobs=2))
    assert "".join(token.token for token in told.logprobs).startswith(told.text)
    assert all(token.logprob == max(value for _, value in token.top) for token in told.logprobs)
    assert all(len(token.top) == 2 for token in told.logprobs)


async def test_a_prompt_that_does_not_fit_is_refused_before_it_is_computed(model: Model) -> None:
    with pytest.raises(ContextOverflow, match="exceed the context of 2048"):
        await model.complete(Request("x = 1\n" * 2000, Sampling(max_tokens=8)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of vLLM's and torch's own
async def test_the_fake_of_the_fast_tests_has_the_signatures_of_the_real_one() -> None:
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.inputs import tokens_input
    from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
    from vllm.v1.engine.async_llm import AsyncLLM

    for real, fake in (
        (AsyncEngineArgs, fake_vllm.AsyncEngineArgs),
        (SamplingParams, fake_vllm.SamplingParams),
        (StructuredOutputsParams, fake_vllm.StructuredOutputsParams),
    ):
        told = inspect.signature(real).parameters
        assert {field.name for field in dataclasses.fields(fake)} <= set(told)
    generate, ours = (inspect.signature(each.generate) for each in (AsyncLLM, fake_vllm.AsyncLLM))
    assert list(generate.parameters)[: len(ours.parameters)] == list(ours.parameters)
    assert next(iter(inspect.signature(AsyncLLM.from_engine_args).parameters)) == "engine_args"
    assert (
        inspect.signature(tokens_input).parameters.keys() == inspect.signature(fake_vllm.tokens_input).parameters.keys()
    )
    assert RequestOutputKind.FINAL_ONLY.value == fake_vllm.RequestOutputKind.FINAL_ONLY.value
