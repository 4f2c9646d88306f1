"""A text as words to search by, and which of a query's words are worth looking up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST: Final = 64
BUDGET: Final = 1024
"""Entries that the words of one query may bring up together before the rest of its words are left out."""


def words(text: str) -> list[str]:
    """Lower case; identifiers come apart at underscores and humps. ASCII letters and digits only: other words are spelt
    in hexadecimal, so that no tokenizer takes them for two."""
    found = _WORD.findall(_HUMP.sub(" ", text))
    return [_plain(word.casefold()) for word in found]


def rare(counts: Mapping[str, int], budget: int = BUDGET) -> list[str]:
    """The words of a query by how few entries hold them, until their entries together exceed `budget`; at least one.

    A word that half of all entries hold says nothing of any, and scoring half of all is what takes the time: BM25's own
    weight for it is next to 0.

    Args:
        counts: how many entries hold each word; 0 is left out.
    """
    chosen: list[str] = []
    total = 0
    for word, n in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        if n == 0:
            continue
        if chosen and total + n > budget:
            break
        chosen.append(word)
        total += n
    return chosen


def _plain(word: str) -> str:
    plain = word if word.isascii() else "x" + word.encode("utf-8", "surrogatepass").hex()
    return plain[:_LONGEST]
