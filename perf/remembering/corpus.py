"""Made-up reflections on made-up tasks, any number of them, the same for the same number.

Words are drawn from 30,000 by Zipf's law (Mandelbrot's form, exponent 1.07), as in running text, so common and rare
words are there as a search would meet them. A prompt has 60 words, a reflection 40. Vectors are random directions of
384 dimensions, as all-MiniLM-L6-v2 has: how long an exact scan takes does not depend on what they mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from banchu.memory import Entry, Pool, Query

DIMS: Final = 384
ARM: Final = "intrinsic"
_WORDS: Final = 30_000
_SEED: Final = 20261121
_LETTERS: Final = "etaoinshrdlu"


def entries(n: int, chunk: int = 2000) -> Iterator[list[Entry]]:
    """`n` entries of one pool, in chunks."""
    rng = np.random.default_rng(_SEED)
    law = _law()
    pool = Pool("lasting", "", ARM)
    for start in range(0, n, chunk):
        drawn = rng.choice(_WORDS, (min(chunk, n - start), 100), p=law)
        yield [
            Entry(
                _text(row[:40]),
                pool,
                f"train/{start + at}",
                "train",
                f"e{start + at}",
                0,
                start + at,
                cue=_text(row[40:]),
            )
            for at, row in enumerate(drawn)
        ]


def queries(n: int) -> list[Query]:
    """Prompts of other tasks."""
    drawn = np.random.default_rng(_SEED + 1).choice(_WORDS, (n, 60), p=_law())
    return [Query(_text(row), ARM, f"test/{at}", "test", "lasting", k=3) for at, row in enumerate(drawn)]


class MadeUp:
    """An embedder that costs nothing: each text's vector is drawn from a generator seeded with its hash."""

    id = "made up"

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([direction(text) for text in texts])

    async def aclose(self) -> None:
        return None


def direction(text: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
    found = np.random.default_rng(seed).standard_normal(DIMS, dtype=np.float32)
    return found / np.linalg.norm(found)


def _law() -> NDArray[np.float64]:
    law = 1 / (np.arange(_WORDS) + 2.7) ** 1.07
    return law / law.sum()


def _text(numbers: NDArray[np.int64]) -> str:
    return " ".join(_word(int(number)) for number in numbers)


def _word(number: int) -> str:
    letters = ""
    while True:
        number, letter = divmod(number, len(_LETTERS))
        letters += _LETTERS[letter]
        if not number:
            return letters
