from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCRIPT = '{"reply": "```python\\ndef triple(x):\\n    return 3 * x\\n```"}\n'


def test_a_model_is_tried(banchu: Any, tmp_path: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text(SCRIPT)
    told = json.loads(banchu("models", "try", f"scripted:{script}", "--json").stdout)
    assert told["code"].endswith("return 3 * x\n")
    assert told["style"] == "chat"
    done = banchu("models", "try", f"scripted:{script}")
    assert "a program was read" in done.stdout
    assert "return 3 * x" in done.stdout


def test_an_answer_without_a_program_is_no_success(banchu: Any, tmp_path: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"reply": "I would rather not."}\n')
    done = banchu("models", "try", f"scripted:{script}")
    assert done.returncode == 1
    assert "no program could be read" in done.stdout


def test_what_is_missing_is_said(banchu: Any) -> None:
    assert "needs a model, such as" in banchu("models", "try").stderr
    assert "unknown action 'ask'" in banchu("models", "ask").stderr
    assert "unknown model 'nobody'" in banchu("models", "try", "nobody").stderr
