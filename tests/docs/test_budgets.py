"""docs/budgets.md: its commands are run, one after the other, and its words are those of the program."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from tests.warm import WarmBanchu

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "budgets.md").read_text()
LINES = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder to run in, and the address of a real server with a scripted model (a fake) behind it."""
    folder = tmp_path_factory.mktemp("budgets")
    (folder / "script.jsonl").write_text(json.dumps({"reply": "```python\ndef f():\n    return 1\n```"}) + "\n")
    (folder / "prices.toml").write_text('["openai:my-model"]\ninput = 20\noutput = 40\n')
    serve = [sys.executable, str(ROOT / "tests/models/serve.py"), "--model", f"scripted:{folder / 'script.jsonl'}"]
    server = subprocess.Popen([*serve, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    yield folder, f"http://127.0.0.1:{server.stdout.readline().split()[-1]}/v1"
    server.communicate("")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_its_commands_work_in_their_order(place: tuple[Path, str], warm_banchu: WarmBanchu) -> None:
    """As written, but on 2 tasks, with the fake in the place of weights and servers that a test has not."""
    folder, url = place
    said = {"http://127.0.0.1:8000/v1": url, "smollm2": f"scripted:{folder / 'script.jsonl'}", "12": "2"}
    assert len(LINES) >= 8
    for line in LINES:
        told = [said.get(word, word) for word in shlex.split(line, comments=True)[1:]]
        told += ["--limit", "2"] if told[0] == "run" and "--limit" not in told else []
        done = warm_banchu.run(told, folder, {**os.environ, "OPENAI_API_KEY": "a-key"})
        assert done.returncode == ("exit code 1" in line), (line, done.stderr)
        if line.startswith("banchu show"):
            assert "stopped    budget --max-total-tokens 5,000" in done.stdout


def test_every_option_column_and_limit_is_there() -> None:
    from banchu.agents import Critic, Reflector, TestWriter
    from banchu.analysis.ends import Ends
    from banchu.analysis.reading import CUT_NOTED

    for name in ("usd", "total-tokens", "time"):
        assert f"`--max-{name} " in TEXT
        assert f"`--episode-{name.removeprefix('total-')} " in TEXT
    columns = set(re.findall(r"^\| ([a-z ]+?) \|", TEXT.partition("## What is counted apart")[2], re.MULTILINE))
    named = {field.name.replace("_", " ").replace("program", "code") for field in fields(Ends)}
    assert columns - {"column"} == named - {"planned", "right though cut", "by budget"}
    limits: dict[type[Any], str] = {Critic: "a review", Reflector: "a reflection", TestWriter: "written tests"}
    for kind, words in limits.items():
        (cap,) = (field.default for field in fields(kind) if field.name == "max_tokens")
        assert f"{words} {cap}" in TEXT
    assert f"From {100 * CUT_NOTED:.0f} % of the attempts" in TEXT
