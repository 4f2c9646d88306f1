"""PEFT adapters on a tiny checkpoint: merged as transformers does, named in the id, refused where they do not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from banchu.core.chat import Request, Sampling
from banchu.core.errors import BanchuError, ConfigError, ModelError
from banchu.models.local.adapter import adapter_fingerprint
from banchu.models.registry import ModelOptions, open_model

GREEDY = Sampling(temperature=0.0, max_tokens=24)
PROMPTS = ("def add(a, b):\n", "return a + b\n", "0123456789")


MODULES = ("q_proj", "v_proj", "down_proj")


@pytest.fixture(scope="module")
def lora(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter of the tiny checkpoint whose B is not zero, in peft's format."""
    import torch
    from safetensors.torch import load_file, save_file

    torch.manual_seed(5)
    weights = {}
    for name, weight in load_file(tiny / "model.safetensors").items():
        if any(module in name for module in MODULES):
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            weights[f"{stem}.lora_A.weight"] = torch.randn(4, weight.shape[1]) / 6
            weights[f"{stem}.lora_B.weight"] = torch.randn(weight.shape[0], 4) / 3
    folder = tmp_path_factory.mktemp("adapter") / "lora"
    folder.mkdir()
    save_file(weights, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8, "target_modules": list(MODULES)}
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(tiny)}))
    return folder


def saved_by_peft(tiny: Path, lora: Path, folder: Path) -> Path:
    """The same adapter as peft writes it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model: Any = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), lora)
    model.save_pretrained(folder)
    return folder


async def answers(spec: str, options: ModelOptions) -> list[str]:
    model = open_model(spec, options)
    try:
        return [(await model.complete(Request(prompt, GREEDY))).text for prompt in PROMPTS]
    finally:
        await model.aclose()


def reference(tiny: Path, lora: Path | None) -> list[str]:
    """Answers of transformers' own generate(), the adapter merged by hand: W + (alpha / r) B A."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny)
    if lora:
        weights = load_file(lora / "adapter_model.safetensors")
        for name, down in weights.items():
            if name.endswith("lora_A.weight"):
                module = model.get_submodule(name.removeprefix("base_model.model.").removesuffix(".lora_A.weight"))
                module.weight.data += 2.0 * weights[name.replace("lora_A", "lora_B")] @ down
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny)
    found = []
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**inputs, do_sample=False, max_new_tokens=GREEDY.max_tokens, pad_token_id=0)
        found.append(tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
async def test_answers_are_those_of_the_merged_weights_and_not_of_the_base(
    tiny: Path, lora: Path, tmp_path: Path
) -> None:
    merged = reference(tiny, lora)
    assert await answers(f"hf:{tiny}", ModelOptions(workers=1, adapter=str(lora))) == merged
    assert all(text != plain for text, plain in zip(merged, reference(tiny, None), strict=True))
    again = saved_by_peft(tiny, lora, tmp_path / "saved")
    assert await answers(f"hf:{again}", ModelOptions(workers=1)) == merged


@pytest.mark.slow
async def test_an_adapter_works_beside_quantised_weights(tiny: Path, lora: Path) -> None:
    plain = await answers(f"hf:{tiny}", ModelOptions(workers=1, quantize="int8"))
    adapted = await answers(f"hf:{tiny}", ModelOptions(workers=1, quantize="int8", adapter=str(lora)))
    assert all(a != b for a, b in zip(adapted, plain, strict=True))


def test_the_id_names_the_adapter_by_its_weights(tiny: Path, lora: Path, tmp_path: Path) -> None:
    base = open_model(f"hf:{tiny}").id
    adapted = open_model(f"hf:{tiny}", ModelOptions(adapter=str(lora))).id
    assert adapted == f"{base}+adapter@{adapter_fingerprint(str(lora))[:12]}"
    copy = tmp_path / "other_name"
    shutil.copytree(lora, copy)
    moved = json.loads((copy / "adapter_config.json").read_text()) | {"base_model_name_or_path": "elsewhere"}
    (copy / "adapter_config.json").write_text(json.dumps(moved))
    assert open_model(f"hf:{tiny}", ModelOptions(adapter=str(copy))).id == adapted
    for change in ({"lora_alpha": 9}, {"r": 3}):
        (copy / "adapter_config.json").write_text(json.dumps(moved | change))
        assert open_model(f"hf:{tiny}", ModelOptions(adapter=str(copy))).id != adapted
    (copy / "adapter_config.json").write_text(json.dumps(moved))
    weights = bytearray((copy / "adapter_model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "adapter_model.safetensors").write_bytes(weights)
    assert open_model(f"hf:{tiny}", ModelOptions(adapter=str(copy))).id != adapted


def test_an_adapter_given_as_the_model_is_the_same_run(tiny: Path, lora: Path) -> None:
    direct = open_model(f"hf:{lora}")
    assert direct.id == open_model(f"hf:{tiny}", ModelOptions(adapter=str(lora))).id
    assert direct.prompt_style == "chat"


def test_the_tokenizer_that_an_adapter_brings_is_the_one_that_is_used(tiny: Path, lora: Path, tmp_path: Path) -> None:
    copy = tmp_path / "lora"
    shutil.copytree(lora, copy)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).write_bytes((tiny / name).read_bytes())
    model = open_model(f"hf:{tiny}", ModelOptions(adapter=str(copy)))
    assert model.prompt_style == "completion"  # its template was left out
    assert model.id != open_model(f"hf:{tiny}", ModelOptions(adapter=str(lora))).id


def test_an_adapter_whose_checkpoint_is_elsewhere_says_how_to_name_it(lora: Path, tmp_path: Path) -> None:
    copy = tmp_path / "lora"
    shutil.copytree(lora, copy)
    config = json.loads((copy / "adapter_config.json").read_text())
    for base in ("/no/such/folder", "nobody/nothing", ""):
        (copy / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": base}))
        with pytest.raises(
            ModelError, match=rf"is an adapter of '{base}'.*--model hf:FOLDER --adapter .*lora"
        ) as error:
            open_model(f"hf:{copy}")
        assert error.value.fatal
        assert "\n" not in str(error.value)


def _config(**change: Any) -> Any:
    def spoil(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "lacks adapter_model.safetensors"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "lacks adapter_config.json"),
        (lambda folder: (folder / "adapter_config.json").write_text("[1]"), "holds no object"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "cannot be read"),
        (_config(peft_type="PREFIX_TUNING"), "'PREFIX_TUNING' is not of weights alone"),
        (_config(alora_invocation_tokens=[1, 2]), "not of weights alone"),
        (shutil.rmtree, "no folder"),
    ],
)
def test_what_is_no_adapter_is_refused_in_one_line(
    tiny: Path, lora: Path, tmp_path: Path, spoil: Any, message: str
) -> None:
    copy = tmp_path / "lora"
    shutil.copytree(lora, copy)
    spoil(copy)
    with pytest.raises(BanchuError, match=message) as error:
        open_model(f"hf:{tiny}", ModelOptions(adapter=str(copy)))
    assert "--adapter" in str(error.value) or "adapter_config.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_adapter_of_another_shape_is_refused_before_anything_is_loaded(
    tiny: Path, lora: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "lora"
    shutil.copytree(lora, copy)
    weights = load_file(copy / "adapter_model.safetensors")
    name = next(n for n in weights if n.endswith("v_proj.lora_A.weight"))
    weights[name] = weights[name][:, :20].contiguous()
    save_file(weights, copy / "adapter_model.safetensors")
    with pytest.raises(ConfigError, match=r"v_proj is 16 × 32 here, and the adapter's A.weight has 20"):
        open_model(f"hf:{tiny}", ModelOptions(adapter=str(copy)))


@pytest.mark.slow
async def test_an_adapter_of_a_deeper_model_is_refused_when_it_is_loaded(
    tiny: Path, lora: Path, tmp_path: Path
) -> None:
    """peft itself would pass over the tensors that have no place."""
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "lora"
    shutil.copytree(lora, copy)
    weights = load_file(copy / "adapter_model.safetensors")
    more = {n.replace("layers.1", "layers.7"): w.clone() for n, w in weights.items() if "layers.1" in n}
    save_file(weights | more, copy / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"does not fit.*6 tensors.*layers\.7") as error:
        await answers(f"hf:{tiny}", ModelOptions(workers=1, adapter=str(copy)))
    assert error.value.fatal
    assert "status" not in str(error.value)


def test_two_adapters_or_a_folder_with_both_are_refused(tiny: Path, lora: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is an adapter itself, so --adapter"):
        open_model(f"hf:{lora}", ModelOptions(adapter=str(lora)))
    both = tmp_path / "both"
    shutil.copytree(tiny, both)
    shutil.copytree(lora, both, dirs_exist_ok=True)
    with pytest.raises(ModelError, match="holds a checkpoint and an adapter; keep them apart"):
        open_model(f"hf:{both}")
