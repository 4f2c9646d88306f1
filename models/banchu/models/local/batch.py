"""A batch that rows join and leave while it runs: new rows join the left-padded KV cache, finished ones drop out of it.

`generate()` keeps every row until the last one is done; with stop strings most rows are done early, and this is where
the time goes. Rows are independent in exact arithmetic; in floating point the shape of the batch decides the order of
sums, so a near-tie between two tokens may fall the other way in another batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from banchu.models.local.sampling import Sampler, next_tokens

if TYPE_CHECKING:
    import torch


@dataclass(slots=True)
class Row:
    """One request in the batch."""

    ticket: int
    prompt: list[int]
    sampler: Sampler
    max_tokens: int
    stop: tuple[str, ...]
    tokens: list[int] = field(default_factory=list)
    finish_reason: str = ""

    @property
    def look_back(self) -> int:
        """Last tokens that are sure to hold a stop text that has just ended: a token is a byte at least."""
        return max(len(stop.encode()) for stop in self.stop) + 4


class Batch:
    """Rows that are being generated, with one KV cache over them.

    Args:
        model: a causal language model of transformers with a `DynamicCache`.
        decode: tokens to text.
        end_tokens: those that end an answer.
    """

    def __init__(self, model: Any, decode: Any, end_tokens: frozenset[int]) -> None:
        self._model = model
        self._decode = decode
        self._end_tokens = end_tokens
        self._cache: Any = None
        self._mask: torch.Tensor | None = None
        self.rows: list[Row] = []

    def __len__(self) -> int:
        return len(self.rows)

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Prefill `rows` together and let them join; returns those whose first token already ends them."""
        import torch
        from transformers import DynamicCache

        longest = max(len(row.prompt) for row in rows)
        device = self._model.device
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, longest - len(row.prompt) :] = torch.tensor(row.prompt)
            mask[i, longest - len(row.prompt) :] = 1
        ids, mask = ids.to(device), mask.to(device)
        # Without the config every layer keeps all it has seen. Layers that forget what lies outside a sliding window
        # could not be joined; the model's own mask hides it all the same.
        cache = DynamicCache()
        logits = self._forward(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0), cache)
        self._join(list(rows), mask, cache)
        return self._advance(logits, first=len(self.rows) - len(rows))

    def step(self) -> list[Row]:
        """One more token for every row; returns the rows that ended, which have left."""
        import torch

        assert self._mask is not None
        device = self._model.device
        last = torch.tensor([[row.tokens[-1]] for row in self.rows], device=device)
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self.rows), 1)], dim=1)
        positions = self._mask.sum(-1, keepdim=True) - 1
        return self._advance(self._forward(last, self._mask, positions, self._cache), first=0)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            out = self._model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits: torch.Tensor = out.logits[:, -1]
            return logits

    def _join(self, rows: list[Row], mask: torch.Tensor, cache: Any) -> None:
        import torch
        from torch.nn.functional import pad

        if self._mask is None:
            self.rows, self._mask, self._cache = rows, mask, cache
            return
        width = max(self._mask.shape[1], mask.shape[1])
        old, new = width - self._mask.shape[1], width - mask.shape[1]
        for mine, theirs in zip(self._cache.layers, cache.layers, strict=True):
            for name in ("keys", "values"):
                both = (pad(getattr(mine, name), (0, 0, old, 0)), pad(getattr(theirs, name), (0, 0, new, 0)))
                setattr(mine, name, torch.cat(both))
        self._mask = torch.cat([pad(self._mask, (old, 0)), pad(mask, (new, 0))])
        self.rows = [*self.rows, *rows]

    def _advance(self, logits: torch.Tensor, first: int) -> list[Row]:
        """Give the rows from `first` on their next token, and let the ended ones leave."""
        rows = self.rows[first:]
        for row, token in zip(rows, next_tokens(logits, [row.sampler for row in rows]), strict=True):
            if token in self._end_tokens:
                row.finish_reason = "stop"
                continue
            row.tokens.append(token)
            if row.stop and any(stop in self._decode(row.tokens[-row.look_back :]) for stop in row.stop):
                row.finish_reason = "stop"
            elif len(row.tokens) >= row.max_tokens:
                row.finish_reason = "length"
        ended = [row for row in rows if row.finish_reason]
        if ended:
            self._drop()
        return ended

    def _drop(self) -> None:
        import torch

        assert self._mask is not None
        kept = [i for i, row in enumerate(self.rows) if not row.finish_reason]
        self.rows = [self.rows[i] for i in kept]
        if not kept:
            self._cache = self._mask = None
            return
        index = torch.tensor(kept, device=self._mask.device)
        mask = self._mask.index_select(0, index)
        # Columns that are padding in every row that is left carry nothing.
        margin = int(mask.any(dim=0).int().argmax())
        self._mask = mask[:, margin:].contiguous()
        for layer in self._cache.layers:
            layer.keys = layer.keys.index_select(0, index)[:, :, margin:].contiguous()
            layer.values = layer.values.index_select(0, index)[:, :, margin:].contiguous()
