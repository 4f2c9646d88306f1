"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path


def user_path(written: str | Path) -> Path:
    """A path with `~` as the home folder; as it was written where nobody of that name is here, for then no file is."""
    path = Path(written)
    try:
        return path.expanduser()
    except RuntimeError:
        return path
