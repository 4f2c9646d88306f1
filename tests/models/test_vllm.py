"""What vLLM's engine is asked, what becomes of its answers, and how it ends. With a fake of vLLM, and called so.

The real one: test_vllm_real.py, where it is installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.models import fake_vllm
from tests.models.test_tool_turns import HERMES

from banchu.core.chat import Message, Request, Sampling, TokenLogprob, Tool
from banchu.core.errors import ConfigError, ContextOverflow, ModelError
from banchu.models import Around
from banchu.models.local.rendering import prompt_tokens
from banchu.models.registry import ModelOptions, open_model
from banchu.models.vllm import VllmModel

pytestmark = pytest.mark.slow  # each part of it starts a process that imports transformers

CHAT = (Message("user", "Write a function that adds."), Message("assistant", "No."), Message("user", "Do."))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A fake vLLM, importable here and in processes that are started from here."""
    folder = tmp_path_factory.mktemp("fake")
    fake_vllm.lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(fake: None, tiny: Path) -> AsyncIterator[VllmModel]:
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
async def test_calls_of_tools_are_read_with_the_marks_of_the_template(fake: None, tiny: Path, tmp_path: Path) -> None:
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


# How it starts and ends


async def test_an_engine_that_dies_ends_the_run_with_what_it_died_of(fake: None, tiny: Path) -> None:
    model = open_model(f"vllm:{tiny}+max_model_len=600")
    waiting = asyncio.create_task(model.complete(Request("x", Sampling(max_tokens=77))))
    for request in (Request("x", Sampling(max_tokens=13)), Request("x")):
        with pytest.raises(
            ModelError, match=r"vLLM ended with status 1 \(torch.OutOfMemoryError: CUDA out of mem"
        ) as e:
            await model.complete(request)
        assert e.value.fatal
    with contextlib.suppress(ModelError):  # it may have been quicker
        await waiting
    await until(lambda: not left_of(model))
    await model.aclose()


@pytest.mark.parametrize(
    ("settings", "then", "said"),
    [
        (
            "",
            "no memory",
            r"ValueError: Free memory on device \(3/80 GiB\) is low\.\); vLLM's settings go behind the name",
        ),
        ("+max_model_length=9", "", r"vLLM has no setting 'max_model_length', did you mean 'max_model_len'\?"),
    ],
)
async def test_an_engine_that_does_not_start_says_why(
    fake: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, settings: str, then: str, said: str
) -> None:
    monkeypatch.setenv("FAKE_VLLM", then)
    model = open_model(f"vllm:{tiny}{settings}")
    for asking in (
        Around(model).prepare(),
        model.complete(Request("x")),
    ):  # before a run begins, or with its first call
        with pytest.raises(ModelError, match=f"vLLM did not start with status 1 \\(.*{said}") as error:
            await asking
        assert error.value.fatal
    await until(lambda: not left_of(model))
    await model.aclose()


@pytest.mark.parametrize("then", ["", "slow"])
async def test_closing_leaves_nothing_behind(
    fake: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Loaded or still loading, with a call under way; twice is once."""
    monkeypatch.setenv("FAKE_VLLM", then)
    model = open_model(f"vllm:{tiny}")
    call = asyncio.create_task(model.complete(Request("x", Sampling(max_tokens=77))))
    await until(lambda: len(left_of(model)) == 2)
    assert os.getsid(left_of(model)[0]) != os.getsid(0)  # Ctrl-C in a terminal does not reach it
    group = left_of(model)
    await model.aclose()
    await model.aclose()
    await until(lambda: not any(alive(pid) for pid in group))
    with pytest.raises(ModelError, match="closed while calls were under way"):
        await call


@pytest.mark.parametrize("then", ["slow", pytest.param("", marks=pytest.mark.slow)])
async def test_it_ends_with_whoever_started_it(
    fake: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Loaded or still loading."""
    monkeypatch.setenv("FAKE_VLLM", then)
    program = f"""
import asyncio
from banchu.models.registry import open_model
async def main():
    model = open_model("vllm:{tiny}")
    starting = asyncio.create_task(model.start())
    if {not then}:
        await starting
    while not model._engine:
        await asyncio.sleep(0.05)
    print(model._engine._process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    leader = int(await asyncio.to_thread(process.stdout.readline))
    await until(lambda: len(members(leader)) == 2)
    group = members(leader)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    await until(lambda: not any(alive(pid) for pid in group))


def left_of(model: Any) -> list[int]:
    return members(model._engine._process.pid) if model._engine else []


def members(leader: int) -> list[int]:
    """The living of a session, its leader first."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry.name)) == leader and alive(int(entry.name)):
                found.append(int(entry.name))
    return sorted(found, key=lambda pid: (pid != leader, pid))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(done: Any) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


# Names


def test_the_id_names_weights_and_what_may_change_an_answer(fake: None, tiny: Path) -> None:
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
def test_a_name_that_cannot_be_read_is_refused(fake: None, text: str, options: ModelOptions, said: str) -> None:
    with pytest.raises((ConfigError, ModelError), match=said):
        open_model(f"vllm:{text}", options)
