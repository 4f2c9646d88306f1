"""The local engine in its worker processes, with a checkpoint of random weights: answers, refusals and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from banchu.core.chat import Message, Request, Sampling, Tool
from banchu.core.errors import ContextOverflow, ModelError
from banchu.models.local.rendering import prompt_tokens
from banchu.models.protocol import Model
from banchu.models.registry import ModelOptions, open_model

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMPTS = [
    *(
        "def add(a, b):\n",
        "a",
        "return a + b\n" * 6,
        "x = 1\ny",
        "def f():\n    return",
        "# " * 30,
        "é ü",
        "0123456789",
    ),
    *("a + b\n" * n for n in (2, 3, 5, 8, 13)),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local(tiny: Path) -> AsyncIterator[Model]:
    model = open_model(f"hf:{tiny}", ModelOptions(workers=1))
    yield model
    await model.aclose()


def greedy(prompt: str, max_tokens: int = 40, stop: tuple[str, ...] = ()) -> Request:
    return Request(prompt, Sampling(temperature=0.0, max_tokens=max_tokens, stop=stop))


def reference(folder: Path, prompts: list[str], max_tokens: list[int]) -> list[tuple[str, int, str]]:
    """Text, tokens and finish reason of transformers' own greedy generate(), one prompt at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)  # more of them spin on each other's core
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    found = []
    for prompt, limit in zip(prompts, max_tokens, strict=True):
        inputs = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**inputs, do_sample=False, max_new_tokens=limit, pad_token_id=0)
        new = out[0, inputs["input_ids"].shape[1] :].tolist()
        ended = new[-1] == tokenizer.eos_token_id
        text = tokenizer.decode(new, skip_special_tokens=True)
        found.append((text, len(new) - ended, "stop" if ended else "length"))
    return found


@pytest.mark.slow
async def test_greedy_answers_in_a_crowd_are_those_of_generate(local: Model, tiny: Path) -> None:
    # More rows than a batch holds, of unlike lengths: rows join while others run, and leave before them.
    prompts = PROMPTS * 3
    limits = [5 + (7 * i) % 50 for i in range(len(prompts))]
    answers = await asyncio.gather(*(local.complete(greedy(p, n)) for p, n in zip(prompts, limits, strict=True)))
    found = [(answer.text, answer.usage.completion_tokens, answer.finish_reason) for answer in answers]
    assert found == reference(tiny, prompts, limits)
    assert {"stop", "length"} == {answer.finish_reason for answer in answers}


@pytest.mark.slow
async def test_a_sampled_answer_is_the_same_alone_and_in_a_crowd(local: Model) -> None:
    request = Request("def add(a, b):\n", Sampling(temperature=1.0, top_p=0.95, max_tokens=40, seed=5))
    alone = await local.complete(request)
    crowd = [Request(p, Sampling(temperature=1.5, max_tokens=30, seed=i)) for i, p in enumerate(PROMPTS)]
    answers = await asyncio.gather(*(local.complete(r) for r in [*crowd[:5], request, *crowd[5:], request]))
    assert answers[5].text == answers[-1].text == alone.text
    assert len({answer.text for answer in answers}) > 5


async def test_a_stop_text_cuts_and_ends_the_work(local: Model) -> None:
    whole = await local.complete(greedy("return a + b\n", 60))
    for length in (1, 6, 30):  # the last one is longer than what the engine looks back by default
        stop = whole.text[10 : 10 + length]
        cut = await local.complete(greedy("return a + b\n", 60, ("no such text", stop)))
        assert cut.text == whole.text[: whole.text.index(stop)]
        assert cut.finish_reason == "stop"
        assert cut.usage.completion_tokens < whole.usage.completion_tokens


async def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers(local: Model) -> None:
    with pytest.raises(ContextOverflow, match=r"\b300 tokens of prompt and 40 for the answer.*context of 256") as error:
        await local.complete(greedy("7" * 300))
    assert not error.value.fatal
    assert (await local.complete(greedy("7" * 200))).text


async def test_a_chat_goes_through_the_template(local: Model) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=10)
    chat = await local.complete(Request((Message("user", "hello"),), sampling))
    raw = await local.complete(Request("<user>hello\n<assistant>", sampling))
    assert chat.text == raw.text
    assert chat.usage == raw.usage


@pytest.mark.parametrize("start", ["def add", "def add(a, b):\n    ", " x\n\n"])
async def test_an_answer_goes_on_behind_its_prefill(local: Model, start: str) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=10)
    begun = await local.complete(Request((Message("user", "hello"),), sampling, prefill=start))
    raw = await local.complete(Request(f"<user>hello\n<assistant>{start}", sampling))
    assert begun.text == raw.text
    assert begun.usage == raw.usage


async def test_a_template_that_strips_loses_no_space_of_a_prefill(tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(tiny)
    template = tokenizer.chat_template
    found = []
    for content in ("m.content", "m.content | trim"):
        tokenizer.chat_template = template.replace("m.content", content)
        found.append(prompt_tokens(tokenizer, [["user", "hello"]], "return\n    "))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("raw", prefill="x"), "a prefill and tools go with a chat"),
        (Request((Message("user", "u"),), tools=(Tool("t", "d"),), logprobs=2), "takes no logprobs"),
    ],
)
async def test_what_it_cannot_do_is_refused(local: Model, request_: Request, message: str) -> None:
    with pytest.raises(ModelError, match=message) as error:
        await local.complete(request_)
    assert not error.value.fatal


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ((Message("system", "s"), Message("user", "u")), "no system role"),
        ("half a pair \ud800", "cannot be read"),
        ("", "empty"),
    ],
)
async def test_a_prompt_that_the_tokenizer_refuses_harms_no_other(
    local: Model, prompt: str | tuple[Message, ...], message: str
) -> None:
    refused, other = await asyncio.gather(
        local.complete(Request(prompt, Sampling(max_tokens=4))), local.complete(greedy("a", 4)), return_exceptions=True
    )
    assert isinstance(refused, ModelError)
    assert message in str(refused)
    assert not refused.fatal
    assert not isinstance(other, BaseException)


async def test_the_id_names_the_weights(local: Model, tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tiny"
    copy.mkdir()
    for file in tiny.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert open_model(f"hf:{copy}").id == local.id
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert open_model(f"hf:{copy}").id != local.id


async def test_a_checkpoint_with_a_template_is_asked_in_chats(local: Model, tiny: Path) -> None:
    assert local.prompt_style == "chat"
    assert open_model(f"hf:{tiny}", ModelOptions(style="completion")).prompt_style == "completion"


def workers_of(pid: int) -> list[int]:
    """Living worker processes whose parent is `pid`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                command = (folder / "cmdline").read_text()
            except OSError:
                continue
            if int(parent) == pid and state != "Z" and "banchu.models.local.worker" in command:
                found.append(int(folder.name))
    return found


@pytest.mark.slow
async def test_a_worker_that_is_killed_is_an_error_and_not_a_hang(tiny: Path) -> None:
    model, before = open_model(f"hf:{tiny}", ModelOptions(workers=1)), workers_of(os.getpid())
    try:
        await model.complete(greedy("a", 4))
        (worker,) = set(workers_of(os.getpid())) - set(before)
        os.kill(worker, signal.SIGSTOP)  # so that the call is surely under way
        asked = asyncio.create_task(model.complete(greedy("a")))
        await asyncio.sleep(0.1)
        os.kill(worker, signal.SIGKILL)
        for call in (asked, model.complete(greedy("b"))):
            with pytest.raises(ModelError, match=r"a worker ended with status -9.*use --workers 1") as error:
                await asyncio.wait_for(call, 30)
            assert error.value.fatal
    finally:
        await model.aclose()


@pytest.mark.parametrize("started", [0, 2])
async def test_closing_ends_the_workers_and_the_calls_under_way(tiny: Path, started: int) -> None:
    model, before = open_model(f"hf:{tiny}", ModelOptions(workers=2)), workers_of(os.getpid())
    asked = asyncio.create_task(model.complete(greedy("a")))
    await asyncio.sleep(0)
    while len(workers_of(os.getpid())) < len(before) + started:
        await asyncio.sleep(0.02)
    await model.aclose()
    with pytest.raises(ModelError, match="closed"):
        await asyncio.wait_for(asked, 30)
    assert workers_of(os.getpid()) == before
    await model.aclose()


PARENT = """
import asyncio, sys
from banchu.core.chat import Request, Sampling
from banchu.models.registry import ModelOptions, open_model

async def main():
    model = open_model(f"hf:{sys.argv[1]}", ModelOptions(workers=1))
    await model.complete(Request("a", Sampling(max_tokens=2)))
    print("up", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_no_worker_outlives_a_parent_that_is_killed(tiny: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tiny)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    assert await asyncio.to_thread(parent.stdout.readline) == "up\n"
    (worker,) = workers_of(parent.pid)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while _alive(worker):
        assert time.monotonic() < deadline, "the worker lives on"
        await asyncio.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
async def test_a_checkpoint_that_cannot_be_loaded_is_told_in_one_line(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    model = open_model(f"hf:{tmp_path}", ModelOptions(workers=1))
    try:
        with pytest.raises(ModelError, match="a worker ended with status 1") as error:
            await model.complete(greedy("a"))
    finally:
        await model.aclose()
    assert error.value.fatal
    assert "\n" not in str(error.value)
