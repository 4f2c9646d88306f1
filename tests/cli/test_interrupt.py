"""Ctrl-C: what is in flight is finished and kept, the exit code says so, and the same command goes on."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


def calls(folder: Path) -> int:
    """Calls in the ledger so far."""
    for ledger in folder.glob("runs/*/ledger.sqlite"):
        with closing(sqlite3.connect(ledger)) as db:
            try:
                return int(db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
            except sqlite3.OperationalError:
                return 0
    return 0


@pytest.mark.slow
def test_ctrl_c_keeps_everything_and_the_same_command_goes_on(banchu_afresh: Any, tmp_path: Path) -> None:
    script = tmp_path / "slow.jsonl"
    script.write_text(json.dumps({"reply": "```python\ndef f():\n    return 1\n```", "delay_s": 0.3}) + "\n")
    arguments = ["run", "humaneval", "--model", f"scripted:{script}", "--limit", "12", "--concurrency", "4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "banchu.cli.main", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while calls(tmp_path) < 4:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "in flight are finished and kept" in err
    assert "episodes to go; the same command goes on" in err
    assert "Traceback" not in err
    assert "not run" in out
    kept = calls(tmp_path)
    assert kept >= 4

    again = banchu_afresh("resume", "last", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["outcome"]["complete"]
    assert calls(tmp_path) > kept
