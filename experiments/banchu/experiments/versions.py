"""What a run was made with, for whoever wants to make it again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("banchu", "langgraph", "openai", "transformers", "torch")


def versions() -> dict[str, str]:
    """By name: Python, banchu and what may change an answer, as far as it is installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
