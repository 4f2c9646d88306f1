"""Text as a ledger keeps it."""

from __future__ import annotations


def storable(text: str) -> str:
    """Text that SQLite can keep as UTF-8: lone surrogates become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
