"""What an embedder over an API gave: bought once, in the ledger before it is used, and counted by the run's budget.

Embedders of this machine cost nothing and say the same again, so nothing of theirs is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from banchu.core.chat import Completion, Request, Sampling, Usage
from banchu.core.embedder import Embedder
from banchu.experiments.budget import Account
from banchu.experiments.journal import Journal
from banchu.experiments.ledger import Ledger
from banchu.experiments.metering import tokens_at_most
from banchu.experiments.purchases import Draining, Purchases
from banchu.models.registry import is_api

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH: Final = 128
"""Texts of one purchase."""


def bought_once(
    embedder: Embedder | None, ledger: Ledger, journal: Journal, account: Account, purchases: Purchases
) -> Embedder | None:
    """The embedder as a run uses it: kept where it is behind an API, and else as it is."""
    if embedder is None or not is_api(embedder.id):
        return embedder
    return KeptEmbedder(embedder, ledger, journal, account, purchases)


class KeptEmbedder:
    """An embedder that is paid for, as one run sees it.

    Args:
        inner: its owner closes it. What it has counted in `tokens`, if anything, is what a purchase is charged.
        account: is asked before texts are sent.
        purchases: where they drain, nothing more is bought.
    """

    def __init__(
        self, inner: Embedder, ledger: Ledger, journal: Journal, account: Account, purchases: Purchases
    ) -> None:
        self._inner = inner
        self._ledger, self._journal = ledger, journal
        self._account, self._purchases = account, purchases
        self._one = asyncio.Lock()

    @property
    def id(self) -> str:
        return self._inner.id

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder`. Raises ModelError, StorageError; Draining where the budget is spent or the run is ended."""
        import numpy as np

        names = [_name(text) for text in texts]
        wanted = dict(zip(names, texts, strict=True))
        # One after the other: what is asked twice at once is bought once, and what each purchase cost is known.
        async with self._one:
            found = {name: vector for name in wanted if (vector := self._kept(name)) is not None}
            missing = [name for name in wanted if name not in found]
            for start in range(0, len(missing), _BATCH):
                batch = missing[start : start + _BATCH]
                found |= await self._bought(batch, [wanted[name] for name in batch])
        if not names:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([np.frombuffer(found[name], dtype="<f4") for name in names]).astype(np.float32)

    async def aclose(self) -> None:
        """Nothing: the embedder is its owner's."""

    def _kept(self, name: str) -> bytes | None:
        sql = "SELECT vector FROM embeddings WHERE embedder = ? AND sha = ?"
        rows = self._ledger.rows(sql, (self.id, name), of="embeddings")
        return rows[0]["vector"] if rows else None

    async def _bought(self, names: list[str], texts: list[str]) -> dict[str, bytes]:
        # For the account it is a call of which nothing is answered.
        request = Request("\n".join(texts), Sampling(max_tokens=0))
        if self._purchases.draining or (held := await self._account.reserve(self.id, request)) is None:
            raise Draining
        answer = None
        try:
            before = getattr(self._inner, "tokens", 0)
            rows = await self._inner.embed(texts)
            counted = getattr(self._inner, "tokens", 0) - before
            tokens = counted or tokens_at_most(len(request.prompt_text.encode("utf-8", "surrogatepass")))
            answer = Completion("", Usage(tokens, 0), "stop")
        finally:
            self._account.settle(held, self.id, request, answer)
        vectors = [row.astype("<f4").tobytes() for row in rows]
        kept = [
            (name, vector, 0 if at else tokens) for at, (name, vector) in enumerate(zip(names, vectors, strict=True))
        ]
        await asyncio.wrap_future(self._journal.embedded(self.id, kept))
        return dict(zip(names, vectors, strict=True))


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
