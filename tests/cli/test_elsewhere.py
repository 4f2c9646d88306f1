"""The shipped recorded run under another Python, installed as a user would, with no network while it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from perf.replay_elsewhere import NO_NETWORK, found_here

SCRIPT = Path(__file__).parents[2] / "perf" / "replay_elsewhere.py"
NO_INDEX = ("name resolution", "NewConnectionError", "ConnectTimeoutError", "Network is unreachable")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_python_writes_the_same_ledger_without_a_request() -> None:
    pythons = found_here()
    if not pythons:
        pytest.skip("no other Python from 3.11 on is found here")
    if subprocess.run([*NO_NETWORK, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    done = subprocess.run([sys.executable, str(SCRIPT), pythons[-1]], capture_output=True, text=True)
    if done.returncode and any(words in done.stderr for words in NO_INDEX):
        pytest.skip("no package index can be reached from here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ledger: the same as recorded" in done.stdout
    assert "ways out of there: 0" in done.stdout
    assert "differs, and counts: nothing" in done.stdout
    # The comparison is one: it sees what two runs never have in common.
    assert "differs, and is left out: calls.at, meta.versions, verdicts.detail.cpu_s" in done.stdout
