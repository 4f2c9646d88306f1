"""What turns texts into vectors, so that near texts can be found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """Texts in, one vector of unit length for each out."""

    @property
    def id(self) -> str:
        """Names what embeds: provider, model, weights. Vectors of different ids are never compared."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), dims); every row has length 1, or 0 where a text has no content. Raises ModelError."""
        ...

    async def aclose(self) -> None:
        """Release sockets and memory. Idempotent."""
        ...
