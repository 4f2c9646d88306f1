"""docs/tools-smollm2: its recipe makes a checkpoint that takes tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "tools-smollm2"
pytest.importorskip("transformers")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_step_of_teaching_makes_a_checkpoint_that_takes_tools(tmp_path: Path) -> None:
    taught = tmp_path / "caller"
    lesson = [sys.executable, str(FOLDER / "teach.py"), str(taught), "--steps", "1", "--batch", "1"]
    told = subprocess.run(lesson, capture_output=True, text=True)
    assert "step 1/1: loss" in told.stdout, told.stderr
    asked = f"run humaneval -m hf:{taught} --tool-calls native --arms none+tools=actor --limit 1 --rounds 0"
    program = str(Path(sys.executable).with_name("banchu"))
    banchu = [program, *asked.split(), "--max-tokens", "4", "--out", str(tmp_path)]
    done = subprocess.run(banchu, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "none+tools=actor" in done.stdout
