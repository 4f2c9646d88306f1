"""How weights lie in memory."""

from __future__ import annotations

from typing import Any

import torch


def transpose_weights(model: Any) -> None:
    """Store the weights of linear layers by column, which a CPU's matrix product of few rows reads faster.

    Measured with MKL, float32 and the layers of SmolLM2: 9 to 34 % less time for 4 to 128 rows (perf/README.md). The
    values and shapes are the same. A weight that is an embedding too stays: there single rows are looked up.
    """
    looked_up = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    for module in model.modules():
        # Not the subclasses, which quantised weights have: how theirs lie is their own affair.
        if type(module) is torch.nn.Linear and id(module.weight) not in looked_up:
            module.weight.data = module.weight.data.t().contiguous().t()
