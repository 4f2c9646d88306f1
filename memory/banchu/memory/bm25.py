"""BM25 with the constants and the formula of SQLite's FTS5, for memories that hold no file."""

from __future__ import annotations

import math
from typing import Final

K1: Final = 1.2
B: Final = 0.75
_LEAST: Final = 1e-6


def weight(n: int, holding: int) -> float:
    """A word's inverse document frequency: `n` entries in all, of which `holding` hold it.

    Source: SQLite, ext/fts5/fts5_aux.c, fts5Bm25GetData: log((n - h + 0.5) / (h + 0.5)), or 1e-6 where that is not
    above 0.
    """
    found = math.log((n - holding + 0.5) / (holding + 0.5))
    return found if found > 0 else _LEAST


def term(idf: float, count: int, length: int, mean: float) -> float:
    """What one word adds to an entry's score.

    Source: fts5_aux.c, fts5Bm25Function; Robertson & Zaragoza 2009, The Probabilistic Relevance Framework, eq. 3.15.

    Args:
        count: how often the entry holds it.
        length: words of the entry.
        mean: words of an entry on average.
    """
    return idf * ((count * (K1 + 1)) / (count + K1 * (1 - B + B * length / mean)))
