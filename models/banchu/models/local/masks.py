"""Who may look at whom: masks for rows whose column is their position, in the form that a model's layers want."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

Masks: TypeAlias = torch.Tensor | dict[str, torch.Tensor]


def masks_for(config: Any, positions: torch.Tensor, width: int) -> Masks:
    """Booleans of (rows, 1, queries, width), or one such tensor for each kind of layer where a model mixes them.

    Args:
        config: of a model of transformers.
        positions: (rows, queries).
        width: columns of keys.

    Raises:
        ValueError: the model has layers that look neither at everything before them nor through a sliding window.
    """
    columns = torch.arange(width, device=positions.device)
    causal: torch.Tensor = (columns <= positions[..., None])[:, None]
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if unknown := kinds - {"full_attention", "sliding_attention"}:
        raise ValueError(f"layers of kind {', '.join(sorted(unknown))}")
    if window is None or not (kinds or getattr(config, "use_sliding_window", True)):
        return causal
    near: torch.Tensor = causal & (columns > positions[..., None] - window)[:, None]
    if kinds:
        return {"full_attention": causal, "sliding_attention": near} if "sliding_attention" in kinds else causal
    return near
