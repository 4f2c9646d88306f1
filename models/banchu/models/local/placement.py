"""Where a checkpoint runs and in which numbers: what a user asks for, and what is made of it, as functions of facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from banchu.core.errors import ConfigError, unknown

DTYPES: Final = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number, by name."""
QUANTIZED: Final = {"int8": 1.0, "int4": 0.5 + 4 / 64}
"""Bytes of a quantised weight, by name. int4 keeps a float32 scale for each block of 64."""
CACHE_BYTES: Final = 2**32
"""Keys and values of the rows of one worker at most, where memory is plenty."""
PREFIX_PART: Final = 1 / 8
"""What prompts that were read lately may take on top, as a part of that."""
PREFILL_TOKENS: Final = 4096
"""Padded tokens that are read in one pass at most: bounds its memory, and how long the others wait."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One device as torch sees it."""

    name: str
    free: int
    """Bytes that nobody used when it was asked."""
    bf16: bool
    """Whether it computes in bfloat16 without emulation (since Ampere)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How weights are loaded, decided. Sent to the worker as JSON."""

    device: str = "cpu"
    """`cpu`, `cuda` (any GPU), `cuda:N`, or `spread`, over all GPUs."""
    dtype: str = "float32"
    quantize: str = ""
    """"", `int8` or `int4`."""
    adapter: str = ""
    """The folder of a PEFT adapter."""
    cache_bytes: int = CACHE_BYTES

    @property
    def on_gpu(self) -> bool:
        return self.device != "cpu"

    @property
    def mark(self) -> str:
        """What these settings add to a model's id: all that changes the numbers by more than the order of sums does.

        That is quantisation, and rounding to 16 bits. Not the device: a CPU and a GPU differ in float32 as two CPUs
        differ, or two batches, and a run begun on one may go on on the other. (torch leaves TF32 off.) Nor workers and
        memory. float32 is not named, so the ids of runs from before there was a choice are the same.
        """
        parts = [self.quantize, "" if self.dtype == "float32" else self.dtype]
        return "".join(f"+{part}" for part in parts if part)


@dataclass(frozen=True, slots=True)
class Loading:
    """What a local model needs to know to be loaded."""

    settings: Settings
    gpus: tuple[Gpu, ...] = ()
    """What there is, where the settings say that one is used."""
    fit_check: bool = True
    """Whether to hold the weights against free memory first."""


def settle(device: str, dtype: str, quantize: str, gpus: Sequence[Gpu]) -> Settings:
    """What `--device`, `--dtype` and `--quantize` mean on a machine with these GPUs.

    `auto` is a GPU where torch sees one; float32 on a CPU; on a GPU bfloat16 where all that may be used compute in it,
    float16 elsewhere.

    Raises:
        ConfigError: an unknown word, or a GPU that is not there.
    """
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (number and (kind != "cuda" or not number.isdecimal())):
        raise unknown("--device", device, ("auto", "cpu", "cuda", "cuda:N"))
    if dtype not in ("auto", *DTYPES):
        raise unknown("--dtype", dtype, ("auto", *DTYPES))
    if quantize not in ("", *QUANTIZED):
        raise unknown("--quantize", quantize, QUANTIZED)
    if kind == "cuda" and not gpus:
        raise ConfigError(
            f"--device {device}: torch sees no GPU here; use --device cpu, or see what "
            f'`python -c "import torch; print(torch.__version__, torch.cuda.is_available())"` says'
        )
    if number and int(number) >= len(gpus):
        raise ConfigError(f"--device {device}: torch sees {len(gpus)} GPUs, cuda:0 to cuda:{len(gpus) - 1}")
    used = [gpus[int(number)]] if number else list(gpus)
    chosen = f"cuda:{int(number)}" if number else "cuda" if gpus and kind != "cpu" else "cpu"
    if dtype == "auto":
        dtype = "float32" if chosen == "cpu" else "bfloat16" if all(gpu.bf16 for gpu in used) else "float16"
    return Settings(chosen, dtype, quantize)
