"""A GGUF file into a checkpoint that loads in a second: `python -m banchu.models.local.convert FILE.gguf FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def convert(weights: Path, folder: Path) -> None:
    """Write the dense weights of `weights` and its tokenizer to `folder`, in fp32, the fastest on a CPU."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        weights.parent, gguf_file=weights.name, dtype=torch.float32
    )
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    # transformers 5 still calls a model quantised that it has read from GGUF into dense tensors, and will not save it.
    for owner, name in (
        (model, "hf_quantizer"),
        (model, "is_quantized"),
        (model, "quantization_method"),
        (model.config, "quantization_config"),
    ):
        if hasattr(owner, name):
            delattr(owner, name)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
