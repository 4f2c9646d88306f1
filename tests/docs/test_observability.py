"""docs/observability.md against spans: what it shows is run, every span and attribute is in its table, and no other."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.collector import collecting
from tests.warm import WarmBanchu

TEXT = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
PROGRAMS = [
    f"```python\ndef has_close_elements(*_):\n    return {n}\n\n\ndef separate_paren_groups(*_):\n    return {n}\n```"
    for n in (1, 2)
]
SCRIPT = (
    {"role": "critic", "reply": "VERDICT: incorrect"},
    {"round": 1, "reply": PROGRAMS[1]},
    {"reply": PROGRAMS[0]},
)
ARMS = "intrinsic+memory=task,visible_tests+choose=majority,oracle_stop"


@pytest.mark.slow
def test_what_it_shows_works_and_what_it_names_is_there(tmp_path: Path, warm_banchu: WarmBanchu) -> None:
    (tmp_path / "script.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in SCRIPT))
    (shown,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    commands = [shlex.split(line, comments=True)[1:] for line in shown.splitlines()]
    with collecting() as collector:
        for command in commands:
            told = [word.replace("http://127.0.0.1:4318", collector.url) for word in command]
            told[told.index("smollm2")] = f"scripted:{tmp_path}/script.jsonl"
            done = warm_banchu.run(
                [*told, "--arms", ARMS, "--no-controls", "--repeats", "2"], tmp_path, dict(os.environ)
            )
            assert done.returncode == 0, done.stderr
            assert re.search(r"^otel: \d+ spans to ", done.stderr, re.MULTILINE)
    spans = written(tmp_path / "spans.jsonl")
    assert sorted(span.name for span in collector.spans) == sorted(span["name"] for span in spans)
    table = [[cell.strip() for cell in row.strip("|").split("|")] for row in TEXT.splitlines() if row.startswith("| `")]
    names = {name for cells in table for name in re.findall(r"`(\w+)[ `]", cells[0])}
    assert {span["name"].partition(" ")[0] for span in spans} | {"text_completion"} == names
    named = {"gen_ai.operation.name", "banchu.task_id", "banchu.arm", "banchu.repeat", "error.type"}
    named |= {key for cells in table for key in keys_of(cells[2])}
    assert {"banchu.task_id", "banchu.arm", "banchu.repeat", "error.type"} <= set(re.findall(r"`([\w.]+)`", TEXT))
    used = {each["key"] for span in spans for each in span["attributes"]}
    assert [key for key in used if not any(fnmatch(key, name) for name in named)] == []


def written(path: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [span for line in lines for span in line["resourceSpans"][0]["scopeSpans"][0]["spans"]]


def keys_of(cell: str) -> set[str]:
    """The attributes in a cell of the table, where `.x` has the beginning of the one before it."""
    found: list[str] = []
    for key in re.findall(r"`([\w.*]+)`", cell):
        found.append(found[-1].rpartition(".")[0] + key if key.startswith(".") else key)
    return set(found)


@pytest.mark.slow
def test_the_example_adds_up_what_was_bought(tmp_path: Path, warm_banchu: WarmBanchu) -> None:
    (tmp_path / "script.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in SCRIPT))
    told = ["run", "humaneval", "--model", f"scripted:{tmp_path}/script.jsonl", "--limit", "2", "--otel", "spans.jsonl"]
    done = warm_banchu.run([*told, "--json"], tmp_path, dict(os.environ))
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    counted = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert counted.stdout == f"{json.loads(done.stdout)['spent']['completion_tokens']} completion tokens\n"
