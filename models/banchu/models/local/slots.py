"""Keys and values of the rows in a batch: a slot each, written in place, and as wide as the longest row needs.

transformers' own `DynamicCache` copies all keys and values for each token (a third of the time at 32 rows), and needs
rows that end in the same column. Here column c of a slot is the token at position c of its row, whatever the others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

Pair = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of one layer of one row, each (heads, tokens, size of a head)."""


@dataclass(frozen=True, slots=True)
class Span:
    """What one forward pass writes: `counts[i]` tokens of slot `first + i`, from position `starts[i]` on."""

    first: int
    starts: Sequence[int]
    counts: Sequence[int]

    @property
    def slots(self) -> slice:
        return slice(self.first, self.first + len(self.starts))

    @property
    def queries(self) -> int:
        """Tokens a row in this pass. Rows with fewer are padded on the left, so that all end together."""
        return max(self.counts)

    @property
    def width(self) -> int:
        """Columns that this pass reads."""
        return max(start + count for start, count in zip(self.starts, self.counts, strict=True))

    def positions(self, device: Any) -> torch.Tensor:
        """(rows, queries); 0 for padding."""
        ends = torch.tensor([s + n for s, n in zip(self.starts, self.counts, strict=True)], device=device)
        positions: torch.Tensor = ends[:, None] - torch.arange(self.queries, 0, -1, device=device)
        floor = torch.tensor(list(self.starts), device=device)[:, None]
        return torch.where(positions < floor, 0, positions)


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers is not typed
    """One layer; its tensors are (slots, heads, columns, size of a head)."""

    is_sliding = False

    def __init__(self, whole: Slots) -> None:
        super().__init__()
        self._whole = whole

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys, self.values = self._empty(key_states), self._empty(value_states)
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Pair:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        span = self._whole.span
        for buffer, new in ((self.keys, key_states), (self.values, value_states)):
            if span.queries == 1:
                buffer[self._whole.rows.to(buffer.device), :, self._whole.columns.to(buffer.device)] = new[:, :, 0]
                continue
            for i, (start, count) in enumerate(zip(span.starts, span.counts, strict=True)):
                buffer[span.first + i, :, start : start + count] = new[i, :, span.queries - count :]
        return self.keys[span.slots, :, : span.width], self.values[span.slots, :, : span.width]

    def resize(self, kept: int, width: int) -> None:
        """To the sizes that `Slots` has now, with the first `kept` slots up to `width`."""
        for name in ("keys", "values"):
            old = getattr(self, name)
            new = self._empty(old)
            new[:kept, :, :width] = old[:kept, :, :width]
            setattr(self, name, new)

    def _empty(self, like: torch.Tensor) -> torch.Tensor:
        # Zeros and not just any memory: a column that is masked is multiplied by 0, which leaves a NaN a NaN.
        _, heads, _, size = like.shape
        return like.new_zeros(self._whole.n_slots, heads, self._whole.n_columns, size)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._whole.span.width, 0

    def get_seq_length(self) -> int:
        return 0  # the positions are always given

    def get_max_length(self) -> int:
        return -1


class Slots(Cache):  # type: ignore[misc]
    """The cache of a model with `layers` layers. Set `span` before each forward pass."""

    def __init__(self, layers: int) -> None:
        self.n_slots = self.n_columns = 0
        self.span = Span(0, (0,), (1,))
        self.rows = self.columns = torch.zeros(1, dtype=torch.long)
        super().__init__(layers=[SlotLayer(self) for _ in range(layers)])

    @property
    def bytes_per_token(self) -> int:
        """Of one row, in all layers; known after the first forward pass."""
        return sum(
            buffer.shape[1] * buffer.shape[3] * buffer.element_size()
            for layer in self.layers
            for buffer in (layer.keys, layer.values)
        )

    def begin(self, span: Span) -> None:
        """The next forward pass writes this."""
        self.span = span
        self.rows, self.columns = torch.arange(span.slots.start, span.slots.stop), torch.tensor(list(span.starts))

    # Tensors that were made in inference mode can be written in it only.

    def reserve(self, slots: int, columns: int, kept: int, width: int) -> None:
        """Room for so many slots and columns; of what there is, `kept` slots stay, up to `width`."""
        if slots <= self.n_slots and columns <= self.n_columns:
            return
        self.n_slots, self.n_columns = slots, columns
        with torch.inference_mode():
            for layer in self.layers:
                if layer.is_initialized:
                    layer.resize(kept, width)

    def move(self, source: int, target: int, length: int) -> None:
        """What slot `source` holds, into slot `target`."""
        with torch.inference_mode():
            for layer in self.layers:
                layer.keys[target, :, :length] = layer.keys[source, :, :length]
                layer.values[target, :, :length] = layer.values[source, :, :length]

    def read(self, slot: int, length: int) -> list[Pair]:
        """A copy of a row's first `length` columns."""
        with torch.inference_mode():
            return [(lay.keys[slot, :, :length].clone(), lay.values[slot, :, :length].clone()) for lay in self.layers]

    def write(self, slot: int, pairs: Sequence[Pair], length: int) -> None:
        """The first `length` columns of what `read` gave, into a slot."""
        with torch.inference_mode():
            for layer, (keys, values) in zip(self.layers, pairs, strict=True):
                layer.keys[slot, :, :length] = keys[:, :length]
                layer.values[slot, :, :length] = values[:, :length]
