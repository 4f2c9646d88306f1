"""bitsandbytes in the local engine, on a CPU: the answers of transformers' own generate(), and what cannot be had."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import Request, Sampling
from banchu.core.errors import ConfigError
from banchu.models.registry import ModelOptions, open_model

PROMPTS = ("def add(a, b):\n", "return a + b\n", "0123456789", "a")


@pytest.fixture(scope="module")
def blocks(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint with rows of whole blocks of 64 weights, as int4 wants them on a CPU."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(8)
    folder = tmp_path_factory.mktemp("checkpoint") / "blocks"
    shutil.copytree(tiny, folder)
    config: Any = LlamaConfig.from_pretrained(tiny, hidden_size=64, intermediate_size=128, head_dim=16)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def reference(folder: Path, quantize: str) -> list[str]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    torch.set_num_threads(1)
    how = {"load_in_8bit": True} if quantize == "int8" else {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    options = {"quantization_config": BitsAndBytesConfig(**how)} if quantize else {}
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map={"": "cpu"}, **options)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    found = []
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**inputs, do_sample=False, max_new_tokens=24, pad_token_id=0)
        found.append(tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:MatMul8bitLt:UserWarning")
@pytest.mark.parametrize("quantize", ["int8", "int4"])
async def test_answers_are_those_of_generate_and_not_of_the_whole_weights(blocks: Path, quantize: str) -> None:
    model = open_model(f"hf:{blocks}", ModelOptions(workers=1, quantize=quantize))
    sampling = Sampling(temperature=0.0, max_tokens=24)
    try:
        found = [(await model.complete(Request(prompt, sampling))).text for prompt in PROMPTS]
    finally:
        await model.aclose()
    assert found == reference(blocks, quantize)
    assert found != reference(blocks, "")
    assert model.id == f"{open_model(f'hf:{blocks}').id}+{quantize}"


def test_int8_says_that_its_answers_depend_on_their_company(blocks: Path) -> None:
    for quantize, notes in (("int8", 1), ("int4", 0), ("", 0)):
        model: Any = open_model(f"hf:{blocks}", ModelOptions(quantize=quantize))
        assert len(model.notes) == notes


def test_without_the_package_the_command_is_named(blocks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else there(name))
    with pytest.raises(ConfigError, match=r"needs bitsandbytes; pip install 'banchu\[local,quantized\]'"):
        open_model(f"hf:{blocks}", ModelOptions(quantize="int4"))
    assert open_model(f"hf:{blocks}").id


def test_a_checkpoint_that_cannot_be_quantised_is_refused_at_once(tiny: Path, blocks: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--quantize int4: on a CPU.*whole blocks of 64.*use int8"):
        open_model(f"hf:{tiny}", ModelOptions(quantize="int4"))
    assert open_model(f"hf:{tiny}", ModelOptions(quantize="int8")).id
    copy = tmp_path / "gptq"
    shutil.copytree(blocks, copy)
    config = json.loads((copy / "config.json").read_text()) | {"quantization_config": {"quant_method": "gptq"}}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=r"quantised already \(gptq\); leave the option out"):
        open_model(f"hf:{copy}", ModelOptions(quantize="int8"))
