"""What a checkpoint's weights are, read from the headers of its files: names, shapes and types, without torch.

A safetensors file begins with the length of its header, 8 bytes little-endian, and the header, JSON:
https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_BYTES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "U32": 4, "U16": 2}
_FLOATS: Final = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_LONGEST: Final = 100 * 2**20
"""Of a header, as the format has it."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file."""

    type: str
    """As safetensors writes it, such as `BF16`."""
    shape: tuple[int, ...]

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self.numel * _BYTES.get(self.type, 1)

    @property
    def dtype(self) -> str:
        """torch's name of a floating type of 16 bits and more; "" for others, which are not cast when loaded."""
        return _FLOATS.get(self.type, "")


def tensors(folder: Path) -> dict[str, Tensor]:
    """All weights by name, of the files that transformers would load; empty where they are not safetensors.

    Raises:
        OSError, ValueError: a file cannot be read, or is not what it is called.
    """
    found: dict[str, Tensor] = {}
    for file in _files(folder):
        found |= header(file)
    return found


def _files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if index.is_file():
        return [folder / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    return sorted(folder.glob("*.safetensors"))


def header(file: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file. Raises OSError, ValueError."""
    with file.open("rb") as content:
        length = int.from_bytes(content.read(8), "little")
        if not 2 <= length <= _LONGEST:
            raise ValueError(f"{str(file)!r} is no safetensors file")
        parsed = json.loads(content.read(length))
    if not isinstance(parsed, dict):
        raise ValueError(f"{str(file)!r} is no safetensors file")
    try:
        return {
            name: Tensor(str(entry["dtype"]), tuple(int(n) for n in entry["shape"]))
            for name, entry in parsed.items()
            if name != "__metadata__"
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"{str(file)!r} is no safetensors file ({error!r})") from None


def config_of(folder: Path) -> dict[str, Any]:
    """config.json, or that of the language model in it where there are several. Raises OSError, ValueError."""
    config = json.loads((folder / "config.json").read_text())
    if not isinstance(config, dict):
        raise ValueError(f"{str(folder / 'config.json')!r} holds no object")
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, dict) else config
