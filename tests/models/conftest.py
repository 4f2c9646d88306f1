"""Real servers in processes of their own, and a checkpoint small enough to load in every test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.models import fake_vllm

SERVE = Path(__file__).parent / "serve.py"
END = "<end>"


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Starts `serve.py` with the arguments given, and gives its base URL; all end with the module."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> str:
        process = subprocess.Popen(
            [sys.executable, str(SERVE), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout
        ready = process.stdout.readline()
        assert ready.startswith("serving on 127.0.0.1 port "), ready
        return f"http://127.0.0.1:{ready.split()[-1]}/v1"

    yield start
    for process in processes:
        process.communicate("")
        assert process.returncode == 0


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers with random weights and a byte-level tokenizer of 300 tokens, with a context of 256."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=[END], show_progress=False)
    tokenizer.train_from_iterator(["def add(a, b):\n    return a + b\n"] * 20, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
    fast.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"
    )
    torch.manual_seed(20261121)
    config: Any = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        # Weights this large keep the greedy path from falling into one token for ever, and far from ties.
        initializer_range=0.5,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
    )
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def vllm_fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A fake vLLM, importable here and in processes that are started from here."""
    folder = tmp_path_factory.mktemp("fake")
    fake_vllm.lay_out(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
        yield
