"""`--otel` as a person uses it: off it costs nothing, Ctrl-C sends what there is, a wrong place is one line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

BANCHU = (sys.executable, "-m", "banchu.cli.main")
RUN = ("run", "humaneval", "--limit", "2", "--arms", "none", "--no-controls")


def test_spans_go_to_a_file_and_the_summary_stays_json(banchu: Any, scripted: str, tmp_path: Path) -> None:
    done = banchu(*RUN, "--model", scripted, "--otel", "spans.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    lines = (tmp_path / "spans.jsonl").read_text().splitlines()
    assert f"otel: {len(lines)} spans to spans.jsonl" in done.stderr
    assert json.dumps(Path(told["folder"]).name) in "".join(lines)


def test_a_place_that_is_none_ends_it_before_anything_is_bought(banchu: Any, scripted: str, tmp_path: Path) -> None:
    done = banchu(*RUN, "--model", scripted, "--otel", "localhost:4318")
    assert done.returncode == 2
    assert done.stderr.startswith("banchu: error: --otel 'localhost:4318' is neither an address nor a file")
    assert not (tmp_path / "runs").exists()


def test_who_does_not_ask_for_spans_imports_nothing_for_them() -> None:
    program = (
        "import sys, banchu.cli.driving, banchu.cli.main, banchu.experiments.launch\n"
        "ours = [name for name in sys.modules if name.startswith('banchu.experiments.otel')]\n"
        "assert not ours, ours\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.exporter')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_ctrl_c_sends_what_there_is(tmp_path: Path) -> None:
    script = tmp_path / "slow.jsonl"
    script.write_text(json.dumps({"reply": "```python\ndef f():\n    return 1\n```", "delay_s": 0.3}) + "\n")
    process = subprocess.Popen(
        [
            *BANCHU,
            *RUN,
            "--limit",
            "12",
            "--concurrency",
            "4",
            "--model",
            f"scripted:{script}",
            "--otel",
            "spans.jsonl",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    spans = tmp_path / "spans.jsonl"
    while not spans.exists() or "chat" not in spans.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    text = spans.read_text()
    assert "invoke_workflow humaneval" in text
    assert f"otel: {len(text.splitlines())} spans to spans.jsonl" in err
