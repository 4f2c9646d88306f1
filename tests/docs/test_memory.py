"""docs/memory.md: its commands are run, one after the other, and its table is the program's."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from tests.warm import WarmBanchu

from banchu.agents.attempts import CHAT_LIMITS, COMPLETION_LIMITS
from banchu.core.arm import Arm
from banchu.core.recalling import RECALLING, Recalling

TEXT = (Path(__file__).parents[2] / "docs" / "memory.md").read_text()
CODE = re.findall(r"```python\n# (\S+)\n(.*?)```", TEXT, re.DOTALL)
LINES = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
TABLE = TEXT.partition("## Across tasks")[0]
OPTIONS = [name for row in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE) for name in re.findall(r"`(.*?)`", row)]


def test_every_option_is_there_and_can_be_written() -> None:
    assert {option.partition("=")[0] for option in OPTIONS} == {*RECALLING, "summary"}
    for option in OPTIONS:
        memory = "" if option.startswith(("memory", "summary")) else "memory=across+"
        assert Arm.parse(f"visible_tests+{memory}{option}")
    assert f"`k={Recalling().k}`" in TEXT
    assert {field.name for field in fields(Recalling)} == {*RECALLING}
    assert f"{CHAT_LIMITS.reflection:,} characters ({COMPLETION_LIMITS.reflection} where" in TEXT


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_its_commands_work_in_their_order(tmp_path: Path, warm_banchu: WarmBanchu) -> None:
    """As written, but on four tasks, of which two write, with a fake in the place of the weights."""
    (tmp_path / "script.jsonl").write_text(json.dumps({"reply": "I forgot the empty list."}) + "\n")
    said = {"smollm2": f"scripted:{tmp_path / 'script.jsonl'}", "36": "2"}
    for name, code in CODE:
        (tmp_path / name).write_text(code)
    env = {**os.environ}
    assert len(LINES) >= 10
    for line in LINES:
        told = [said.get(word, word) for word in shlex.split(line, comments=True)[1:]]
        told += ["--limit", "4"] if told[0] == "run" else []
        if "ID" in told:
            (first, *_) = json.loads(warm_banchu.run(["memory", "list", told[2], "--json"], tmp_path, env).stdout)
            told = [first["id"] if word == "ID" else word for word in told]
        done = warm_banchu.run(told, tmp_path, env)
        assert done.returncode == 0, (line, done.stderr)
        if line.startswith("banchu show"):
            assert "I forgot the empty list." in done.stdout
