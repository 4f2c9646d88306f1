"""A tool: what mypy says of a program's types. Mypy reads it and never runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from banchu.agents.tools import ToolFailed, tool


@tool(timeout_s=60, max_characters=4000, stateless=True)
def check_types(code: str) -> str:
    """Have the types of a complete Python program checked.

    Args:
        code: the whole program; functions without annotations are checked too.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "program.py").write_text(code, encoding="utf-8")
        # No configuration of anybody's: one in the program's folder could name plug-ins, which are code.
        options = ["--config-file=", f"--cache-dir={os.devnull}", "--check-untyped-defs"]
        options += ["--no-error-summary", "--no-site-packages", "--ignore-missing-imports"]
        command = [sys.executable, "-m", "mypy", *options, "program.py"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    told = done.stdout.strip()
    if done.returncode and not told.startswith("program.py:"):
        raise ToolFailed(f"mypy cannot run: {(done.stderr or told).strip()}")
    return told or "no errors of type"
