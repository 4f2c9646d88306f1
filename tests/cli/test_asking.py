"""The question before a run that costs money, on a real terminal: who is asked, and what each answer does."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

RUN = ["run", "humaneval", "--limit", "1", "--arms", "none", "--no-controls", "--rounds", "0"]
PAID = [*RUN, "--model", "openai:gpt-4o-mini"]
TALKER = Path(__file__).parent / "talker.py"


def at_a_terminal(folder: Path, arguments: list[str], typed: str) -> tuple[int, str]:
    """Exit code and what the terminal showed, of a command that somebody types `typed` to."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "banchu.cli.main", *arguments],
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": "none", "TERM": "dumb", "COLUMNS": "120"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    os.write(ours, f"{typed}\n".encode())
    said = b""
    while True:
        try:
            said += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    out, _ = process.communicate(timeout=100)
    os.close(ours)
    return process.returncode, said.decode() + out


def test_a_run_that_costs_money_starts_only_after_a_yes(tmp_path: Path) -> None:
    code, said = at_a_terminal(tmp_path, PAID, "n")
    assert code == 1
    assert "episodes: 1; calls: at most 1; cost: at most 0.00" in said
    assert "nothing was bought" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_price_that_nobody_knows_is_asked_about_and_yes_starts(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, str(TALKER)], stdout=subprocess.PIPE, text=True) as talker:
        assert talker.stdout
        here = ["--model", "openai:m", "--base-url", f"http://127.0.0.1:{talker.stdout.readline().strip()}/v1"]
        try:
            refused = at_a_terminal(tmp_path, [*RUN, *here, "--max-total-tokens", "5000"], "n")
            agreed = at_a_terminal(tmp_path, [*RUN, *here], "y")
            unasked = at_a_terminal(tmp_path, [*RUN, *here, "--fresh", "--yes"], "")
        finally:
            talker.terminate()
    assert refused[0] == 1
    assert "cost: price unknown (openai:m@http" in refused[1]
    assert "the run's budget ends it before that" in refused[1]
    assert agreed[0] == unasked[0] == 0
    assert "[y/N]" in agreed[1]
    assert "[y/N]" not in unasked[1]


def test_an_embedder_that_costs_money_is_asked_about_too(tmp_path: Path) -> None:
    (tmp_path / "script.jsonl").write_text('{"match": ".", "reply": "I do not know."}\n')
    free = ["run", "easy", "--limit", "4", "--no-controls", "--model", "scripted:script.jsonl"]
    recalls = [*free, "--arms", "visible_tests+memory=across", "--memory-train", "2", "--embedder", "openai:e"]
    code, said = at_a_terminal(tmp_path, recalls, "n")
    assert (code, "and what --embedder openai:e costs" in said, "nothing was bought" in said) == (1, True, True)
    _, planned = at_a_terminal(tmp_path, [*recalls, "--dry-run"], "")
    assert "and what --embedder openai:e costs" in planned
    _, planned = at_a_terminal(tmp_path, [*recalls, "--dry-run", "--json"], "")
    assert '"openai:e"' in planned.partition("not_counted")[2]


@pytest.mark.slow
def test_what_is_free_or_piped_is_not_asked_about(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text('{"match": ".", "reply": "I do not know."}\n')
    code, said = at_a_terminal(tmp_path, [*RUN, "--model", f"scripted:{script}"], "")
    assert code == 0
    assert "[y/N]" not in said
    piped = subprocess.run(
        [sys.executable, "-m", "banchu.cli.main", *PAID, "--base-url", "http://127.0.0.1:9/v1", "--patience", "1"],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_API_KEY": "none"},
        input="",
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "[y/N]" not in piped.stderr
