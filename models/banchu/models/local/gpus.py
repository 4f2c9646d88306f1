"""Prints the GPUs that torch sees as JSON: `python -m banchu.models.local.gpus`, a process of its own (`machine`)."""

from __future__ import annotations

import json
from typing import Any


def seen() -> list[dict[str, Any]]:
    """Name, free bytes and whether it computes in bfloat16, of each."""
    import torch

    found = []
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        with torch.cuda.device(i):
            bf16 = bool(torch.cuda.is_bf16_supported(including_emulation=False))
        found.append({"name": torch.cuda.get_device_name(i), "free": torch.cuda.mem_get_info(i)[0], "bf16": bf16})
    return found


if __name__ == "__main__":
    print(json.dumps(seen()))
