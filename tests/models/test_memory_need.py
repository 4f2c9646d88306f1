"""What a checkpoint needs, read from the headers of its files."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.chat import Request, Sampling
from banchu.models.local import smollm2
from banchu.models.local.memory_need import PROCESS, need_of
from banchu.models.local.placement import PREFIX_PART, Settings
from banchu.models.local.weights import header, tensors
from banchu.models.registry import ModelOptions, open_model

FP32, BF16 = Settings(), Settings(dtype="bfloat16")


def of(folder: Path, settings: Settings = FP32, adapter_bytes: int = 0) -> Any:
    need = need_of(folder, settings, adapter_bytes)
    assert need is not None
    return need


def write(folder: Path, weights: dict[str, tuple[str, list[int]]], name: str = "model.safetensors") -> None:
    """A safetensors file of zeros, by the format and not by the library."""
    sizes, entries, at = {"F32": 4, "BF16": 2, "U8": 1}, {}, 0
    for key, (kind, shape) in weights.items():
        size = sizes[kind]
        for n in shape:
            size *= n
        entries[key] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(entries | {"__metadata__": {"format": "pt"}}).encode()
    (folder / name).write_bytes(len(head).to_bytes(8, "little") + head + bytes(at))


def checkpoint(folder: Path, kind: str = "F32", **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, {"model.embed_tokens.weight": (kind, [100, 64]), "model.layers.0.up.weight": (kind, [64, 128])})
    base = {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 64}
    (folder / "config.json").write_text(json.dumps(base | config))
    return folder


def test_the_headers_are_those_that_the_library_reads(tiny: Path) -> None:
    from safetensors import safe_open

    found = tensors(tiny)
    with safe_open(tiny / "model.safetensors", "pt") as file:
        assert {name: found[name].shape for name in found} == {n: tuple(file.get_tensor(n).shape) for n in file.keys()}  # noqa: SIM118
    need = of(tiny)
    assert need.weights == sum(tensor.numel * 4 for tensor in found.values())
    assert need.context == 256
    assert need.per_token == 2 * 2 * 2 * 8 * 4  # keys and values, layers, heads, size of a head, bytes


def test_weights_in_other_numbers_than_the_files_are_each_workers_own(tmp_path: Path) -> None:
    folder, embedding, linear = checkpoint(tmp_path), 100 * 64, 64 * 128
    count = embedding + linear
    assert (of(folder).shared, of(folder).own) == (4 * embedding, 4 * linear)  # which is laid out anew
    assert (of(folder, BF16).shared, of(folder, BF16).own) == (0, 2 * count)
    other = checkpoint(tmp_path / "bf16", "BF16")
    assert (of(other, BF16).shared, of(other, BF16).own) == (2 * count, 0)
    assert (of(other).shared, of(other).own) == (0, 4 * count)
    gpu = of(other, replace(BF16, device="cuda"))
    assert (gpu.shared, gpu.own) == (0, 2 * count)
    assert of(other, BF16).per_token * 2 == of(other).per_token


def test_quantising_leaves_embeddings_as_they_are(tmp_path: Path) -> None:
    folder, kept, linear = checkpoint(tmp_path), 100 * 64, 64 * 128
    int8, int4 = of(folder, replace(FP32, quantize="int8")), of(folder, replace(FP32, quantize="int4"))
    assert (int8.shared, int8.own) == (4 * kept, linear)
    assert int4.own == linear * 0.5625
    assert int8.working > of(folder).working


def test_a_merged_adapter_writes_into_the_weights_and_another_lies_beside_them(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    merged = of(folder, replace(FP32, adapter="x"), 10)
    assert (merged.shared, merged.own) == (0, of(folder).weights + 10)
    beside, plain = (of(folder, replace(FP32, quantize="int8", adapter=a), n) for a, n in (("x", 10), ("", 0)))
    assert beside.own == plain.own + 10


def test_an_index_says_which_files_count_and_a_tied_head_counts_once(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, tie_word_embeddings=True)
    whole = of(folder).weights
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    write(folder, {"lm_head.weight": ("F32", [100, 64])}, "model-2.safetensors")
    write(folder, {"everything.weight": ("F32", [1000, 64])}, "consolidated.safetensors")
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert of(folder).weights == whole
    config = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": False}
    (folder / "config.json").write_text(json.dumps(config))
    assert of(folder).weights == whole + 100 * 64 * 4


def test_pickles_count_by_their_size_and_the_configs_numbers(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, dtype="bfloat16")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(bytes(1000))
    assert of(folder).own == 2000
    assert of(folder, BF16).own == 1000


def test_the_language_model_of_several_and_old_names_are_understood(tmp_path: Path) -> None:
    plain = of(checkpoint(tmp_path / "a"))
    inner = {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 64}
    folder = checkpoint(tmp_path / "b")
    (folder / "config.json").write_text(json.dumps({"text_config": inner, "hidden_size": 9}))
    assert of(folder).per_token == plain.per_token
    (folder / "config.json").write_text(json.dumps({"n_layer": 3, "n_head": 4, "n_embd": 64, "n_positions": 50}))
    assert of(folder).per_token == 2 * plain.per_token  # as many heads for keys as for queries
    assert of(folder).context == 50


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@given(content=st.binary(max_size=40))
def test_garbage_is_unknown_and_never_a_crash(tmp_path_factory: Any, name: str, content: bytes) -> None:
    folder = checkpoint(tmp_path_factory.mktemp("garbage"))
    (folder / name).write_bytes(content)
    need = need_of(folder, FP32)
    assert need is None or need.weights >= 0
    shutil.rmtree(folder)


@pytest.mark.parametrize("head", [b"{}", b"[]", b'{"a": 1}', b'{"a": {"dtype": "F32"}}', b"\xff\xff"])
def test_a_header_that_is_none_is_told(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "f").write_bytes(len(head).to_bytes(8, "little") + head)
    if head == b"{}":
        assert header(tmp_path / "f") == {}
        return
    with pytest.raises(ValueError, match=r"safetensors|utf-8|decode"):
        header(tmp_path / "f")


@pytest.mark.slow
async def test_smollm2_takes_no_more_than_is_estimated_and_not_much_less() -> None:
    """What a worker has for itself, by the kernel's count, once it has read two prompts of 600 tokens."""
    model: Any = open_model("smollm2", ModelOptions(workers=1))
    prompts = [f"{name} = 1\n" * 120 for name in "ab"]
    asked = (model.complete(Request(prompt, Sampling(temperature=0.0, max_tokens=2))) for prompt in prompts)
    answers = await asyncio.gather(*asked)
    (worker,) = model._workers
    lines = Path(f"/proc/{worker._process.pid}/smaps_rollup").read_text().splitlines()
    measured = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
    await model.aclose()
    tokens, need = sum(answer.usage.total_tokens for answer in answers), of(smollm2.checkpoint())
    estimated = need.own + PROCESS + need.working + int((1 + PREFIX_PART) * tokens * need.per_token)
    print(f"{tokens} tokens: measured {measured / 1e6:.0f} MB, estimated {estimated / 1e6:.0f} MB")
    assert 0.5 * estimated < measured < estimated
