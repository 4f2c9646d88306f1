"""SIGKILL in the middle, over HTTP, so that somebody else knows what was sold: nothing lost, nothing bought twice."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.facts import facts

SERVE = Path(__file__).parent.parent / "models" / "serve.py"
ARMS = (
    "intrinsic,oracle_trace,none+choose=majority,visible_tests+search=tree+width=2+explain=code+rounds=3,"
    "visible_tests+search=repair+width=2+explain=blocks+rounds=3"
)
WITH_TOOLS = "tools,none+tools=actor"
WITH_MEMORY = "visible_tests,visible_tests+memory=across,visible_tests+memory=task"

# The functions of the first four tasks, so that there is a program to run in each.
PROGRAM = "".join(
    f"def {name}(*args):\n    return 1\n\n\n"
    for name in ("has_close_elements", "separate_paren_groups", "truncate_number", "below_zero")
)

CALL = """```tool
{"name": "python", "arguments": {"code": "print(sum(range(99)))"}}
```
```tool
{"name": "files", "arguments": {"action": "write", "path": "a", "text": "b"}}
```"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A real HTTP server with a scripted model behind it, slow enough to be caught in the act, and its log."""
    rows = [
        {"match": "You may call tools(?!.*Result of)", "reply": CALL, "delay_s": 0.05},
        {"match": "VERDICT", "reply": "It misses a case.\nVERDICT: incorrect", "delay_s": 0.05},
        {"match": "line by line", "reply": "It returns one always.", "delay_s": 0.05},
        {"match": "Failed test", "reply": "I missed a case.", "delay_s": 0.05},
        {"match": ".", "reply": f"```python\n{PROGRAM}```", "delay_s": 0.05},
    ]
    script, log = tmp_path / "script.jsonl", tmp_path / "sales.jsonl"
    script.write_text("".join(json.dumps(row) + "\n" for row in rows))
    process = subprocess.Popen(
        [sys.executable, str(SERVE), "--model", f"scripted:{script}", "--port", "0", "--log", str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    port = int(process.stdout.readline().split()[-1])
    yield f"http://127.0.0.1:{port}/v1", log
    process.communicate("")


OF_MEMORY = {"splits", "recalls", "memory_stages", "lessons"}
UNUSED = {
    ARMS: {"self_tests", "call_extras", "turns", "tool_calls", *OF_MEMORY},
    WITH_TOOLS: {"self_tests", "call_extras", "choices", "proofs", *OF_MEMORY},
    WITH_MEMORY: {"self_tests", "call_extras", "choices", "turns", "tool_calls"},
}
"""Tables that these arms, and a server that sends text alone, leave empty."""


def command(url: str, out: Path, arms: str) -> list[str]:
    tools = ("--tools", "python", "--tools", "files", "--tool-calls", "text") if "tools" in arms.split(",") else ()
    memory = ("--memory-train", "2", "--repeats", "2") if "memory" in arms else ()
    return [
        *(sys.executable, "-m", "banchu.cli.main", "run", "humaneval", "--model", "openai:scripted", "--base-url", url),
        *("--arms", arms, "--no-controls", "--limit", "4", "--rounds", "2", "--concurrency", "6"),
        *tools,
        *memory,
        *("--out", str(out), "--json"),
    ]


def content(out: Path) -> dict[str, list[Any]]:
    (path,) = out.glob("*/ledger.sqlite")
    return facts(path)


def held(out: Path) -> set[tuple[str, int]]:
    """What the ledger holds, as (messages, seed)."""
    if not (found := list(out.glob("*/ledger.sqlite"))):
        return set()
    with closing(sqlite3.connect(found[0])) as db:
        rows = db.execute("SELECT prompt, sampling FROM calls").fetchall()
    return {(prompt, json.loads(sampling)["seed"]) for prompt, sampling in rows}


def sales(log: Path) -> list[tuple[str, int]]:
    """What the server sold, in order, in the same words."""
    bodies = [json.loads(line) for line in log.read_text().splitlines()]
    return [(json.dumps([[m["role"], m["content"]] for m in body["messages"]]), body["seed"]) for body in bodies]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("arms", [ARMS, WITH_TOOLS, WITH_MEMORY])
def test_a_run_killed_again_and_again_equals_an_uninterrupted_one(
    server: tuple[str, Path], tmp_path: Path, arms: str
) -> None:
    url, log = server
    subprocess.run(command(url, tmp_path / "whole", arms), check=True, capture_output=True)
    assert set(sales(log)) == held(tmp_path / "whole")
    assert len(sales(log)) == len(set(sales(log)))

    rng, cut, kills = random.Random(20261121), tmp_path / "cut", 0
    while True:
        before, known = len(sales(log)), held(cut)
        process = subprocess.Popen(
            command(url, cut, arms), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        last = before + rng.randint(2, 12)
        while process.poll() is None and len(sales(log)) < last:
            time.sleep(rng.uniform(0.0, 0.02))
        process.kill()
        _, said = process.communicate()
        assert held(cut) >= known, "an answer that the ledger held is gone"
        assert not known & set(sales(log)[before:]), "an answer that the ledger held was bought again"
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, said
        kills += 1

    assert kills >= 3
    whole = content(tmp_path / "whole")
    assert content(cut) == whole
    assert [table for table, rows in whole.items() if not rows and table not in UNUSED[arms]] == []
