"""The command as a person runs it: a process of its own, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.warm import WarmBanchu

Banchu = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["warm", pytest.param("afresh", marks=pytest.mark.slow)])
def banchu(request: pytest.FixtureRequest, tmp_path: Path) -> Banchu:
    """Runs `banchu ...` in an empty folder; keyword arguments are environment variables.

    Imports take longer than most commands, so the fast tests fork a process that has done them.
    """
    if request.param == "afresh":
        return _afresh(tmp_path)
    warm: WarmBanchu = request.getfixturevalue("warm_banchu")

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return warm.run([*arguments], tmp_path, {**os.environ, "COLUMNS": "120", **environment})

    return run


@pytest.fixture
def banchu_afresh(tmp_path: Path) -> Banchu:
    """As `banchu`, in a new interpreter: for what imports, another seed of hashes or signals may change."""
    return _afresh(tmp_path)


def _afresh(folder: Path) -> Banchu:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "banchu.cli.main", *arguments],
            cwd=folder,
            env={**os.environ, "COLUMNS": "120", **environment},
            capture_output=True,
            text=True,
            timeout=100,
        )

    return run


@pytest.fixture
def scripted(tmp_path: Path) -> str:
    """A fake of this test's own."""
    return write_script(tmp_path)


def write_script(folder: Path) -> str:
    """`--model` for a scripted fake that solves HumanEval/0 at once, HumanEval/2 when told, and nothing else."""
    rows = [
        {"role": "critic", "reply": "I see no problem.\nVERDICT: correct"},
        {"role": "reflector", "reply": "I forgot the fraction."},
        {
            "match": "has_close_elements",
            "reply": "```python\ndef has_close_elements(numbers, threshold):\n    s = sorted(numbers)\n"
            "    return any(b - a < threshold for a, b in zip(s, s[1:]))\n```",
        },
        {
            "match": "truncate_number",
            "round": 1,
            "reply": "```python\ndef truncate_number(n):\n    return n % 1.0\n```",
        },
        # Right on the example that the prompt shows, wrong on the sealed ones.
        {"match": "truncate_number", "reply": "```python\ndef truncate_number(n):\n    return 0.5\n```"},
        {"match": ".", "reply": "I do not know."},
    ]
    path = folder / "script.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"scripted:{path}"
