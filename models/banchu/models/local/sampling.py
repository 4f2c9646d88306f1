"""Picking the next token of each row. A row's draws come from its own generator, so they do not depend on the batch.

Source of the nucleus: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Sampler:
    """The sampling settings of one row, and its random numbers."""

    def __init__(self, temperature: float, top_p: float, seed: int) -> None:
        self.temperature = temperature
        self.top_p = top_p
        self._random = random.Random(seed)

    def draw(self) -> float:
        """The next number in [0, 1); one a token."""
        return self._random.random()


def next_tokens(logits: torch.Tensor, samplers: Sequence[Sampler]) -> list[int]:
    """One token for each row.

    Args:
        logits: (rows, vocabulary).
        samplers: one for each row; temperature 0 takes the likeliest token and draws nothing.
    """
    import torch

    best: list[int] = logits.argmax(dim=-1).tolist()
    drawing = [i for i, sampler in enumerate(samplers) if sampler.temperature > 0]
    if not drawing:
        return best
    rows = logits[drawing].float()
    rows = rows / torch.tensor([[samplers[i].temperature] for i in drawing], device=rows.device)
    probabilities, order = rows.softmax(dim=-1).sort(dim=-1, descending=True)
    # float64: with 50,000 tokens a float32 sum is off by more than the rarest tokens are likely.
    cumulative = probabilities.double().cumsum(dim=-1)
    top_p = torch.tensor([[samplers[i].top_p] for i in drawing], dtype=torch.float64, device=rows.device)
    # A token is in the nucleus while the mass before it is below top_p; the first one always is.
    kept = (cumulative - probabilities < top_p).sum(dim=-1, keepdim=True)
    mass = cumulative.gather(-1, kept - 1)
    draws = torch.tensor([[samplers[i].draw()] for i in drawing], dtype=torch.float64, device=rows.device)
    places = torch.searchsorted(cumulative, draws * mass, right=True).minimum(kept - 1)
    chosen: list[int] = order.gather(-1, places).squeeze(-1).tolist()
    for i, token in zip(drawing, chosen, strict=True):
        best[i] = token
    return best
