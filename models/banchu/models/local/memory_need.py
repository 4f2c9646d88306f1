"""How much memory a checkpoint takes, estimated from its files before anything is loaded.

Measured on SmolLM2-135M in float32: a process has 0.32 GB of its own beside weights, and 0.74 GB with those that are
laid out anew (`layout`). Weights that stay in the file's mapping are in memory once, however many processes there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from banchu.models.local.placement import DTYPES, PREFILL_TOKENS, PREFIX_PART, QUANTIZED, Settings
from banchu.models.local.weights import Tensor, config_of, tensors

PROCESS: Final = 350 * 2**20
"""Of a worker with torch and transformers."""
CONTEXT: Final = 700 * 2**20
"""Of CUDA on a GPU, before there is anything on it. Not measured here: what others report, rounded up."""
QUANTIZING: Final = 512 * 2**20
"""What is left behind by quantising, at most of weights that were there in full for a moment."""
_BLOCK: Final = 64
"""Weights that share a scale in int4."""


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that one checkpoint takes with given settings."""

    shared: int
    """Weights that stay in the file's mapping: once for all workers on a CPU."""
    own: int
    """Weights of each worker beside these."""
    per_token: int
    """Keys and values of one token of one row; 0: unknown."""
    working: int
    """While prompts are read, and what quantising leaves behind."""
    process: int
    """Of the program itself, where the weights are."""
    context: int
    """Longest row, in tokens."""

    @property
    def weights(self) -> int:
        return self.shared + self.own

    def each(self, rows: int, tokens: int) -> int:
        """Of one worker, beside what all share, with so many rows of so many tokens."""
        return self.own + self.process + self.working + self.rows(rows, tokens)

    def rows(self, rows: int, tokens: int) -> int:
        return int((1 + PREFIX_PART) * rows * min(tokens, self.context or tokens) * self.per_token)

    def cache(self, left: int) -> int:
        """How many bytes the cache may have of what is left, so that prefixes fit too."""
        return int(max(left, 0) / (1 + PREFIX_PART))


def need_of(folder: Path, settings: Settings, adapter_bytes: int = 0) -> Need | None:
    """What the checkpoint in `folder` needs with `settings`; None where its files do not say.

    Args:
        adapter_bytes: of the adapter's weights, in the settings' numbers.
    """
    try:
        config = config_of(folder)
        found = tensors(folder)
        whole = sum(file.stat().st_size for file in folder.glob("pytorch_model*.bin"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    width = DTYPES[settings.dtype]
    if found:
        shared, own = _weights(found, config, settings)
    else:  # a pickle, which is not opened here; it holds numbers of the config's type
        stored = DTYPES.get(str(config.get("dtype") or config.get("torch_dtype")), 4)
        shared, own = 0, int(whole / stored * (QUANTIZED.get(settings.quantize, width)))
    hidden, inner = _number(config, "hidden_size", "n_embd"), _number(config, "intermediate_size", "n_inner")
    # Residuals and projections of one layer, twice: inputs are still there while outputs are made.
    working = 2 * PREFILL_TOKENS * width * (6 * hidden + 3 * (inner or 4 * hidden))
    # An adapter that is merged writes into the mapping, which then is each worker's own.
    if settings.adapter and not settings.quantize:
        shared, own = 0, own + shared
    return Need(
        shared=shared,
        own=own + adapter_bytes,
        per_token=_per_token(config) * width,
        working=working + (QUANTIZING if settings.quantize else 0),
        process=CONTEXT if settings.on_gpu else PROCESS,
        context=_number(config, "max_position_embeddings", "n_positions"),
    )


def unquantizable(folder: Path, settings: Settings) -> str:
    """Why bitsandbytes cannot quantise the checkpoint in `folder`, as far as its files say; "" where they do not."""
    try:
        config, found = config_of(folder), tensors(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if method := config.get("quantization_config"):
        kind = method.get("quant_method", "some other way") if isinstance(method, dict) else method
        return f"the checkpoint is quantised already ({kind}); leave the option out"
    odd = next((n for n, t in found.items() if _is_linear(n, t) and "lm_head" not in n and t.shape[1] % _BLOCK), None)
    if settings.quantize == "int4" and not settings.on_gpu and odd:
        return f"on a CPU bitsandbytes wants rows of whole blocks of {_BLOCK}, and {odd} has others; use int8"
    return ""


def _weights(found: dict[str, Tensor], config: dict[str, Any], settings: Settings) -> tuple[int, int]:
    """Bytes that stay in the mapping, and bytes that are made from it."""
    shared = own = 0
    embedded = any("embed_tokens" in name or "wte" in name for name in found)
    for name, tensor in found.items():
        if "lm_head" in name and embedded and config.get("tie_word_embeddings"):
            continue
        linear = _is_linear(name, tensor)
        if settings.quantize and linear and "lm_head" not in name:
            own += int(tensor.numel * QUANTIZED[settings.quantize])
        elif settings.on_gpu or tensor.dtype not in ("", settings.dtype):
            own += tensor.numel * DTYPES[settings.dtype] if tensor.dtype else tensor.size
        elif linear and settings.dtype == "float32" and not settings.quantize:
            own += tensor.size  # laid out anew: see `layout`
        else:
            shared += tensor.size
    return shared, own


def _is_linear(name: str, tensor: Tensor) -> bool:
    """The matrix of a linear layer, by its name. bitsandbytes quantises all of these but the head."""
    others = ("embed", "wte", "wpe", "norm")
    return len(tensor.shape) == 2 and bool(tensor.dtype) and not any(word in name for word in others)


def _per_token(config: dict[str, Any]) -> int:
    """Numbers in keys and values of one token."""
    layers, heads = _number(config, "num_hidden_layers", "n_layer"), _number(config, "num_attention_heads", "n_head")
    hidden = _number(config, "hidden_size", "n_embd")
    head = _number(config, "head_dim") or (hidden // heads if heads else 0)
    return 2 * layers * (_number(config, "num_key_value_heads") or heads) * head


def _number(config: dict[str, Any], *names: str) -> int:
    """The first of these that is a number; 0: none is."""
    for name in names:
        if isinstance(value := config.get(name), int) and value > 0:
            return value
    return 0
