"""What vLLM's engine is asked, what becomes of its answers, and how it ends. With a fake of vLLM, and called so.

The real one: test_vllm_real.py, where it is installed.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.models.test_tool_turns import HERMES

from banchu.core.chat import Message, Request, Sampling, TokenLogprob, Tool
from banchu.core.errors import ConfigError, ContextOverflow, ModelError
from banchu.models.local.rendering import prompt_tokens
from banchu.models.registry import ModelOptions, open_model
from banchu.models.vllm import VllmModel

pytestmark = pytest.mark.slow  # each part of it starts a process that imports transformers

CHAT = (Message("user", "Write a function that adds."), Message("assistant", "No."), Message("user", "Do."))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(vllm_fake: None, tiny: Path) -> AsyncIterator[VllmModel]:
    found = open_model(f"vllm:{tiny}+max_model_len=600")
    assert isinstance(found, VllmModel)
    yield found
    await found.aclose()


shared = pytest.mark.asyncio(loop_scope="module")


async def told(model: VllmModel, request: Request) -> Any:
    return json.loads((await model.complete(request)).text)


# What is asked


@shared
async def test_prompts_are_the_tokens_that_the_local_engine_makes(model: VllmModel, tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    for prompt, prefill in (("def add(a, b):\n   ", ""), (CHAT, ""), (CHAT, "def add"), (CHAT, "Sure: ")):
        plain = prompt if isinstance(prompt, str) else [[m.role, m.content] for m in prompt]
        found = (await told(model, Request(prompt, prefill=prefill)))["tokens"]
        assert found == prompt_tokens(tokenizer, plain, prefill)
        assert tokenizer.decode(found).endswith(prefill or ("   " if prompt != CHAT else "<assistant>"))


@shared
async def test_sampling_is_each_requests_own(model: VllmModel) -> None:
    asked = Request("x", Sampling(0.7, 0.9, 20, ("\n\n", "```"), 5), answer_schema='{"type": "object"}')
    with pytest.raises(ModelError, match="raw text takes no answer_schema"):
        await model.complete(asked)
    found = await told(model, Request(CHAT, asked.sampling, answer_schema=asked.answer_schema, logprobs=3))
    assert found["params"] == {
        **{"temperature": 0.7, "top_p": 0.9, "max_tokens": 20, "stop": ["\n\n", "```"], "seed": 5, "logprobs": 3},
        **{
            "skip_special_tokens": True,
            "structured_outputs": {"json": '{"type": "object"}'},
            "output_kind": "FINAL_ONLY",
        },
    }
    assert found["args"]["max_model_len"] == 600
    assert (await told(model, Request("x", Sampling(seed=-1))))["params"]["seed"] == 2**63 - 1


@shared
async def test_calls_at_once_are_in_the_engine_at_once(model: VllmModel) -> None:
    requests = [Request(f"{number}", Sampling(max_tokens=77, seed=number)) for number in range(20)]
    found = await asyncio.gather(*(told(model, request) for request in requests))
    assert [each["params"]["seed"] for each in found] == [*range(20)]
    assert max(each["together"] for each in found) == 20


@pytest.mark.asyncio
async def test_calls_of_tools_are_read_with_the_marks_of_the_template(
    vllm_fake: None, tiny: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny, tmp_path / "with_tools")
    (tmp_path / "with_tools" / "chat_template.jinja").write_text(HERMES)
    model = open_model(f"vllm:{tmp_path / 'with_tools'}+max_model_len=2000")
    try:
        done = await model.complete(Request(CHAT, tools=(Tool("run", "Runs."),)))
        assert done.text == ""
        (call,) = done.tool_calls
        assert (call.name, json.loads(call.arguments)["tokens"]) == ("run", done.usage.prompt_tokens)
        assert (await model.complete(Request(CHAT))).tool_calls == ()
    finally:
        await model.aclose()


# What comes back


@shared
async def test_an_answer_has_usage_a_reason_and_what_was_asked_beside(model: VllmModel) -> None:
    plain = await model.complete(Request("xyz", Sampling()))
    assert (plain.finish_reason, plain.usage.prompt_tokens, plain.usage.completion_tokens) == ("stop", 3, 1)
    assert plain.logprobs == ()
    assert (await model.complete(Request("x", Sampling(max_tokens=15)))).finish_reason == "length"
    answer = await model.complete(Request("x", logprobs=1))
    assert answer.logprobs == (TokenLogprob("a", -0.5, (("b", -0.25),)),)


@shared
@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("", Sampling(max_tokens=9)), "the prompt is empty"),
        (Request((Message("system", "x"),), Sampling(max_tokens=9)), "no system role"),
        (Request("x", Sampling(max_tokens=11)), r"top_p must be in \(0, 1\]"),
        (Request("x", Sampling(max_tokens=12)), "CUDA error: an illegal memory access"),
        (Request("x", Sampling(max_tokens=14)), r"for another reason \(abort\)"),
        (Request(CHAT, tools=(Tool("run", "Runs."),)), "no place for tools"),
        (Request("x", prefill="y"), "raw text takes no prefill"),
    ],
)
async def test_a_request_that_fails_fails_alone(model: VllmModel, request_: Request, said: str) -> None:
    with pytest.raises(ModelError, match=said) as error:
        await model.complete(request_)
    assert not error.value.fatal
    assert "\n" not in str(error.value)
    assert (await model.complete(Request("x"))).text


@shared
async def test_a_prompt_that_does_not_fit_is_said_in_tokens(model: VllmModel) -> None:
    with pytest.raises(
        ContextOverflow, match=r": 4 tokens of prompt and 597 for the answer exceed the context of 600;"
    ):
        await model.complete(Request("wxyz", Sampling(max_tokens=597)))
    assert (await model.complete(Request("wxyz", Sampling(max_tokens=596)))).text


# Names


def test_the_id_names_weights_and_what_may_change_an_answer(vllm_fake: None, tiny: Path) -> None:
    plain = open_model(f"vllm:{tiny}")
    assert plain.id.startswith("vllm:tiny@")
    assert plain.id.rpartition("@")[2] == open_model(f"hf:{tiny}").id.rpartition("@")[2]
    assert open_model(f"vllm:{tiny}+tensor_parallel_size=2+gpu_memory_utilization=0.5").id == plain.id
    one, other = (open_model(f"vllm:{tiny}+{spelt}").id for spelt in ("dtype=half+b=1", "b=1+dtype=half"))
    assert one == other
    assert one.startswith("vllm:tiny+b=1+dtype=half@")
    assert open_model(f"vllm:{tiny}", ModelOptions(style="completion")).prompt_style == "completion"
    assert plain.prompt_style == "chat"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("+dtype=half", ModelOptions(), "names no checkpoint"),
        ("x+dtype=half+dtype=auto", ModelOptions(), "dtype stands there twice"),
        ("x+seed=1", ModelOptions(), "seed is not yours to set"),
        ("x", ModelOptions(workers=2), r"vllm:x\+tensor_parallel_size=N"),
        ("./none", ModelOptions(), "--model vllm:./none: no folder 'none'"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(vllm_fake: None, text: str, options: ModelOptions, said: str) -> None:
    with pytest.raises((ConfigError, ModelError), match=said):
        open_model(f"vllm:{text}", options)
