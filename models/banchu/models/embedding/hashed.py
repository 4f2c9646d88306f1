"""Vectors from words alone: no model, no server, the same on every machine. A floor for real embedders, and for tests.

Source: Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning (ICML), with signed hashes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from banchu.core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMS: Final = 256
_WORD: Final = re.compile(r"[^\W_]+")


class HashedEmbedder:
    """Each word adds the root of its count, or takes it away, at a place that its hash names.

    Raises:
        ConfigError: fewer than 2 dimensions.
    """

    def __init__(self, dims: int = DIMS) -> None:
        if dims < 2:
            raise ConfigError(f"embedder hashed: {dims} dimensions are too few; the least is 2")
        self._dims = dims

    @property
    def id(self) -> str:
        return f"hashed-{self._dims}"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        found = np.zeros((len(texts), self._dims), dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            for word, count in Counter(_WORD.findall(text.casefold())).items():
                number = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())
                row[(number >> 1) % self._dims] += (1 if number & 1 else -1) * count**0.5
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        np.divide(found, norms, out=found, where=norms > 0)
        return found

    async def aclose(self) -> None:
        return None
