"""PEFT adapters: found, held against the checkpoint they are for, and named, from their files alone.

A PEFT folder holds adapter_config.json and adapter_model.safetensors; names of LoRA's tensors are those of the module
they adapt, between `base_model.model.` and `.lora_A.weight` or `.lora_B.weight` (Hu et al. 2021, W + B A).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from banchu.core.errors import ConfigError, ModelError
from banchu.core.paths import user_path
from banchu.models.local.checkpoint import find_checkpoint, find_folder
from banchu.models.local.weights import header, tensors

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
TOKENIZER: Final = "tokenizer_config.json"
_PREFIX: Final = "base_model.model."
_PROMPTS: Final = ("PROMPT", "P_TUNING", "PREFIX", "CPT", "CARTRIDGE", "XLORA", "POLY")
"""Kinds whose adapters are more than weights: they put tokens before the prompt, or choose by it."""


def find_pair(name: str, adapter: str) -> tuple[str, Path, str]:
    """What `hf:NAME` with `--adapter ADAPTER` stands for: the checkpoint's name, its folder, and the adapter's or "".

    NAME may itself be an adapter, where the checkpoint that it says it is for can be had.

    Raises:
        ConfigError: packages are missing, or the adapter is none, or does not fit.
        ModelError: there is no such checkpoint.
    """
    folder = find_folder(name)
    if is_adapter(folder):
        if adapter:
            raise ConfigError(f"--model hf:{name} is an adapter itself, so --adapter {adapter} is one too many")
        base = str(_config(folder).get("base_model_name_or_path") or "")
        try:
            path = find_checkpoint(base)
        except ModelError as error:
            raise ModelError(
                f"--model hf:{name} is an adapter of {base!r}, which is not here ({_reason(error)}); "
                f"say where it is: --model hf:FOLDER --adapter {name}",
                fatal=True,
            ) from None
        return base, path, check_adapter(str(folder), path)
    path = find_checkpoint(name)
    return name, path, check_adapter(adapter, path) if adapter else ""


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no checkpoint."""
    return (folder / CONFIG).is_file() and not (folder / "config.json").is_file()


def check_adapter(adapter: str, base: Path | None) -> str:
    """The folder of `--adapter`, absolute, once it is known to be an adapter, and not to contradict the checkpoint.

    Args:
        base: the checkpoint's folder, if it is there already.

    Raises:
        ConfigError: not an adapter, of a kind that cannot be used here, or made for another checkpoint.
    """
    folder = user_path(adapter)
    if not folder.is_dir():
        folder = find_folder(adapter, option="--adapter ")
    if lacking := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
        raise ConfigError(f"--adapter {adapter}: not a PEFT adapter, it lacks {' and '.join(lacking)}")
    config = _config(folder)
    kind = str(config.get("peft_type", "")).upper()
    if not kind or any(word in kind for word in _PROMPTS) or config.get("alora_invocation_tokens"):
        raise ConfigError(
            f"--adapter {adapter}: peft_type {kind or 'none'!r} is not of weights alone; serve the model with it, and "
            f"use --model openai:NAME --base-url ..."
        )
    if base is not None and (why := misfit(folder, base)):
        raise ConfigError(
            f"--adapter {adapter} does not fit this checkpoint: {why}; it was made for "
            f"{config.get('base_model_name_or_path')!r}"
        )
    return str(folder.resolve())


def misfit(folder: Path, base: Path) -> str:
    """Why a LoRA adapter cannot be one of the checkpoint, as far as files say; "" where they do not.

    Only what is certain: a module of the same name and another shape. What the files name otherwise, as for fused
    layers, is found out when it is loaded.
    """
    try:
        ours, theirs = header(folder / WEIGHTS), tensors(base)
    except (OSError, ValueError, KeyError):
        return ""
    for name, tensor in ours.items():
        module, _, part = name.removeprefix(_PREFIX).partition(".lora_")
        weight = theirs.get(f"{module}.weight")
        if part not in ("A.weight", "B.weight") or weight is None or len(weight.shape) != 2 or len(tensor.shape) != 2:
            continue
        side = tensor.shape[1] if part == "A.weight" else tensor.shape[0]
        if side not in weight.shape:  # either way round: some layers keep their matrix transposed
            shape = " × ".join(map(str, weight.shape))
            return f"{module} is {shape} here, and the adapter's {part} has {side}"
    return ""


def adapter_fingerprint(folder: str) -> str:
    """Names the adapter: sha256 over its weights, its configuration but for where its base lay, and its tokenizer."""
    digest = hashlib.sha256()
    config = {k: v for k, v in _config(Path(folder)).items() if k not in ("base_model_name_or_path", "revision")}
    digest.update(json.dumps(config, sort_keys=True).encode())
    with (Path(folder) / WEIGHTS).open("rb") as content:
        digest.update(hashlib.file_digest(content, "sha256").digest())
    if brings_tokenizer(folder):
        for file in sorted(Path(folder).iterdir()):
            if file.suffix in {".json", ".jinja", ".model", ".txt"} and file.name != CONFIG:
                digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def brings_tokenizer(folder: str) -> bool:
    """Whether the adapter was saved with its tokenizer, which then is the one it was trained with."""
    return bool(folder) and (Path(folder) / TOKENIZER).is_file()


def adapter_size(folder: str) -> int:
    """Bytes of its weights in float32, as they are kept beside quantised ones; 0: unknown, or no adapter."""
    try:
        return sum(4 * tensor.numel for tensor in header(Path(folder) / WEIGHTS).values()) if folder else 0
    except (OSError, ValueError):
        return 0


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{str(path)!r} holds no object")
    return config


def _reason(error: ModelError) -> str:
    return str(error).partition(": ")[2].partition(";")[0]
