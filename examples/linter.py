"""A tool: what ruff says of a program. Ruff reads it and never runs it."""

from __future__ import annotations

import subprocess
import sys

from banchu.agents.tools import ToolFailed, tool

RULES = "E7,E9,F,B,PLE"
"""What is likely to be wrong, not what is unlovely."""


@tool(timeout_s=20, max_characters=4000, stateless=True)
def lint(code: str) -> str:
    """Have a linter read a complete Python program: unused and undefined names, likely bugs.

    Args:
        code: the whole program.
    """
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--quiet", f"--select={RULES}"]
    command += ["--output-format=concise", "--stdin-filename=program.py", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise ToolFailed(f"ruff cannot run: {done.stderr.strip()}")
    return done.stdout.strip() or "nothing to complain of"
