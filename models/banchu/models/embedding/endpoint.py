"""Any OpenAI-compatible endpoint for embeddings (/embeddings), through the `openai` package and what `api/` has.

Same addresses, keys, errors and retries as for chats. Requests go out one after the other: what a memory embeds is
little beside what the agents ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from banchu.models.api.address import Address
from banchu.models.api.backoff import Backoff
from banchu.models.api.body import idempotency_key
from banchu.models.api.endpoint import Endpoint
from banchu.models.api.errors import Refused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH: Final = 128
"""Texts of a request; OpenAI's own limit is 2048, other servers' are lower."""


class OpenAIEmbedder:
    """One embedding model behind one endpoint. An empty text, which servers refuse, is sent as a space.

    Args:
        timeout_s: for one request.
        max_retries: of a request, after failures other than a 429; 0: no retry at all.
        patience_s: how long a request is tried again, 429s included.

    Raises:
        ConfigError: no key where one is needed; an address that is none or holds a key.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        timeout_s: float = 60.0,
        max_retries: int = 6,
        patience_s: float = 600.0,
    ) -> None:
        self._name = name
        self._address = Address(base_url, api_key_env, name, "embedder")
        self._endpoint = Endpoint(self._address, name, timeout_s)
        self._max_retries = max_retries
        self._patience_s = patience_s
        self.requests = 0
        """Sent, those that were sent again included."""
        self.tokens = 0
        """Of all texts, as the server counts; 0 where it does not."""

    @property
    def id(self) -> str:
        return f"openai:{self._name}@{self._address.url}"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        rows = [row for start in range(0, len(texts), _BATCH) for row in await self._ask(texts[start : start + _BATCH])]
        if not rows:
            return np.zeros((0, 0), dtype=np.float32)
        if len({len(row) for row in rows}) > 1:
            raise self._endpoint.unreadable("vectors of different widths").plain()
        found = np.asarray(rows, dtype=np.float32)
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        np.divide(found, norms, out=found, where=norms > 0)
        return found

    async def aclose(self) -> None:
        await self._endpoint.aclose()

    async def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        sent = [text.encode("utf-8", "replace").decode() or " " for text in texts]
        body = {"model": self._name, "input": sent, "encoding_format": "float"}
        backoff = Backoff(self._max_retries, self._patience_s)
        try:
            found: list[list[float]] = await backoff.retrying(asyncio.sleep)(self._exchange, body, backoff)
        except Refused as error:
            raise backoff.told(error) from None
        return found

    async def _exchange(self, body: dict[str, Any], backoff: Backoff) -> list[list[float]]:
        backoff.sent()
        self.requests += 1
        reply = await self._endpoint.post("/embeddings", body, idempotency_key(self._address.url, body))
        try:
            found = _vectors(reply.body, len(body["input"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._endpoint.unreadable(f"{type(error).__name__}: {error}") from None
        usage = reply.body.get("usage")
        tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
        self.tokens += tokens if isinstance(tokens, int) else 0
        return found


def _vectors(body: Any, n: int) -> list[list[float]]:
    """In the order of the texts, whatever the order of the answer. Raises KeyError, TypeError or ValueError."""
    found: dict[int, list[float]] = {}
    for at, item in enumerate(body["data"]):
        row = [float(x) for x in item["embedding"]]
        if not row or not all(abs(x) < 1e18 for x in row):  # NaN compares false
            raise ValueError("a vector is empty or not finite")
        found[int(item.get("index", at))] = row
    if sorted(found) != list(range(n)):
        raise ValueError(f"{len(found)} vectors for {n} texts")
    return [found[at] for at in range(n)]
