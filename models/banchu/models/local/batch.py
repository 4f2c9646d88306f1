"""A batch that rows join and leave while it runs.

`generate()` keeps every row until the last one is done; with stop strings most rows are done early, and this is where
the time goes. Rows are independent in exact arithmetic; in floating point the shape of the batch decides the order of
sums, so a near-tie between two tokens may fall the other way in another batch, or behind a prefix that was read before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from banchu.models.local.masks import masks_for
from banchu.models.local.placement import CACHE_BYTES, PREFIX_PART
from banchu.models.local.prefixes import Prefixes
from banchu.models.local.sampling import Sampler, next_tokens
from banchu.models.local.slots import Slots, Span

_COLUMNS = 64
"""Columns are added so many at a time: each time all that was kept is copied."""


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

    @property
    def cached(self) -> int:
        """Its tokens that the model has read: all but the last of its answer."""
        return len(self.prompt) + max(len(self.tokens) - 1, 0)

    @property
    def longest(self) -> int:
        return len(self.prompt) + self.max_tokens


class Batch:
    """Rows that are being generated. Row i has slot i of the cache.

    Args:
        model: a causal language model of transformers, all of whose layers are attention.
        decode: tokens to text.
        end_tokens: those that end an answer.
        cache_bytes: keys and values of the rows at most; `PREFIX_PART` comes on top.
    """

    def __init__(self, model: Any, decode: Any, end_tokens: frozenset[int], cache_bytes: int = CACHE_BYTES) -> None:
        self._model = model
        self._config = model.config.get_text_config(decoder=True)
        self._decode = decode
        self._end_tokens = end_tokens
        self._cache_bytes = cache_bytes
        self._prefixes = Prefixes(int(PREFIX_PART * cache_bytes))
        self._slots = Slots(self._config.num_hidden_layers)
        self.rows: list[Row] = []

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def vocabulary(self) -> int:
        """Tokens that there are."""
        return int(self._config.vocab_size)

    def shared(self, prompt: Sequence[int]) -> int:
        """How many of the prompt's first tokens are known already."""
        return self._prefixes.shared(prompt)

    def has_room(self, rows: Sequence[Row]) -> bool:
        """Whether keys and values of these fit beside those that run. One row alone is always let in."""
        every = [*self.rows, *rows]
        if len(every) == 1 or not self._slots.n_slots:
            return len(every) == 1
        return len(every) * _columns(every) * self._slots.bytes_per_token <= self._cache_bytes

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Read the prompts of `rows` together and let them join; returns those whose first token already ends them."""
        first, every = len(self.rows), [*self.rows, *rows]
        self.reserve(rows)
        starts = []
        for slot, row in enumerate(rows, start=first):
            pairs, start = self._prefixes.find(row.prompt)
            if start:
                self._slots.write(slot, pairs, start)
            starts.append(start)
        unread = [row.prompt[start:] for row, start in zip(rows, starts, strict=True)]
        logits = self.read(Span(first, starts, [len(tokens) for tokens in unread]), unread)
        for slot, row in enumerate(rows, start=first):
            if not self._prefixes.has(row.prompt):
                self._prefixes.keep(row.prompt, self._slots.read(slot, len(row.prompt)))
        self.rows = every
        return self._advance(logits, first)

    def reserve(self, rows: Sequence[Row]) -> None:
        """Room in the cache for `rows` behind those that run."""
        every = [*self.rows, *rows]
        width = max((row.cached for row in self.rows), default=0)
        self._slots.reserve(_slots(len(every)), _columns(every), kept=len(self.rows), width=width)

    def step(self) -> list[Row]:
        """One more token for every row; returns the rows that ended, which have left."""
        span = Span(0, [row.cached for row in self.rows], [1] * len(self.rows))
        return self._advance(self.read(span, [row.tokens[-1:] for row in self.rows]), first=0)

    def read(self, span: Span, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """The model reads `tokens` of each row; logits of what follows, (rows, vocabulary)."""
        device = self._model.device
        padded = torch.tensor([[0] * (span.queries - len(row)) + list(row) for row in tokens], device=device)
        positions = span.positions(device)
        self._slots.begin(span)
        with torch.inference_mode():
            out = self._model(
                input_ids=padded,
                attention_mask=masks_for(self._config, positions, span.width),
                position_ids=positions,
                past_key_values=self._slots,
                use_cache=True,
                logits_to_keep=1,
            )
            logits: torch.Tensor = out.logits[:, -1]
            return logits

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
        for row in ended:
            self._leave(row)
        return ended

    def _leave(self, row: Row) -> None:
        """The last row takes the slot, so that slots without a hole are in use."""
        slot, last = next(i for i, other in enumerate(self.rows) if other is row), self.rows.pop()
        if last is not row:
            self._slots.move(len(self.rows), slot, last.cached)
            self.rows[slot] = last


def _columns(rows: Sequence[Row]) -> int:
    return -(-max(row.longest for row in rows) // _COLUMNS) * _COLUMNS


def _slots(rows: int) -> int:
    return 1 << (rows - 1).bit_length()
