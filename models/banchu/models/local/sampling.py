"""Picking the next token of each row. A row's draws come from its own generator, so they do not depend on the batch.

Source of the nucleus: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


_HEAD = 256
"""Tokens that are sorted at first. Sorting 50,000 for every row costs a third of the time of a forward pass."""


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
    probabilities = rows.softmax(dim=-1)
    top_p = torch.tensor([[samplers[i].top_p] for i in drawing], dtype=torch.float64, device=rows.device)
    draws = torch.tensor([[samplers[i].draw()] for i in drawing], dtype=torch.float64, device=rows.device)
    chosen, sure = _pick(probabilities, top_p, draws, min(_HEAD, probabilities.shape[-1]))
    if not all(sure):
        unsure = [i for i, is_sure in enumerate(sure) if not is_sure]
        redone, _ = _pick(probabilities[unsure], top_p[unsure], draws[unsure], probabilities.shape[-1])
        for i, token in zip(unsure, redone, strict=True):
            chosen[i] = token
    for i, token in zip(drawing, chosen, strict=True):
        best[i] = token
    return best


def _pick(
    probabilities: torch.Tensor, top_p: torch.Tensor, draws: torch.Tensor, head: int
) -> tuple[list[int], list[bool]]:
    """The tokens drawn, found among the `head` likeliest, and whether a wider look would surely find the same.

    Args:
        probabilities: (rows, vocabulary).
        top_p: (rows, 1) of float64.
        draws: (rows, 1) of float64 in [0, 1).
    """
    import torch

    likeliest, order = probabilities.topk(head, dim=-1)
    # float64: with 50,000 tokens a float32 sum is off by more than the rarest tokens are likely.
    cumulative = likeliest.double().cumsum(dim=-1)
    # A token is in the nucleus while the mass before it is below top_p; the first one always is.
    kept = (cumulative - likeliest < top_p).sum(dim=-1, keepdim=True)
    whole = head == probabilities.shape[-1]
    mass = cumulative.gather(-1, kept - 1)
    if not whole:
        # Where the nucleus is everything, its mass needs no sorting; rounding may bring the sum above 1, where it ends.
        everything = probabilities.sum(dim=-1, keepdim=True, dtype=torch.float64).clamp(max=1.0)
        mass = torch.where(kept < head, mass, everything)
    places = torch.searchsorted(cumulative, draws * mass, right=True).minimum(kept - 1)
    sure = (kept < head) | ((top_p >= 1) & (draws * mass < cumulative[:, -1:]))
    chosen: list[int] = order.gather(-1, places).squeeze(-1).tolist()
    return chosen, [True] * len(chosen) if whole else sure.squeeze(-1).tolist()
