"""A small experiment with a team of scripted fakes, recorded or replayed; and a ledger as bytes, times aside.

As a program, in a process of its own: replaying.py FILE FOLDER replays FILE into FOLDER and prints those bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.experiments.conftest import Lab

from banchu.benchmarks import load_benchmark
from banchu.core.chat import Completion, Request
from banchu.core.errors import ContextOverflow, ModelError
from banchu.experiments.outcome import Outcome
from banchu.models import Model
from banchu.models.recorded import Recording
from banchu.models.registry import ModelOptions
from banchu.models.scripted import ScriptedModel
from banchu.sandbox import Judge

ARMS = "none,intrinsic,self_tests,execution,oracle_trace"
TEAM = ("actor", "critic", "reflector")
TIMES = {("calls", "at"), ("verdicts", "cpu_s"), ("verdicts", "wall_s")}
"""What no two runs have in common. How long a model took is not among them: a replay keeps it."""


class Fake(ScriptedModel):
    """The lab's fickle fake under another name, which now and then fails: for good, or on the way."""

    async def complete(self, request: Request) -> Completion:
        digest = hashlib.sha256(f"{request.prompt_text}{request.sampling.seed}".encode()).digest()[1]
        if digest < 10:
            raise ContextOverflow("the prompt does not fit", status=400)
        if digest < 20:
            raise ModelError("busy", retryable=True, status=503)
        return replace(await super().complete(request), wall_s=digest / 7)


async def experiment(lab: Lab, recording: Recording, name: str, tasks: int = 2, **values: Any) -> Outcome:
    """Runs it in the folder `name` of the lab."""
    actor, critic, reflector = (recording.open(spec) for spec in TEAM)
    benchmark = lab.tasks(tasks)
    return await lab.run(name, benchmark, ARMS, actor, critic=critic, reflector=reflector, **values)


def fakes(lab: Lab) -> dict[str, ScriptedModel]:
    """The team, by name."""
    return {spec: Fake(lab.fickle()._replies, id=f"{spec}@1") for spec in TEAM}


def opener(models: dict[str, ScriptedModel]) -> Any:
    def open_fake(spec: str, options: ModelOptions) -> Model:
        return models[spec]

    return open_fake


def content(path: Path) -> bytes:
    """Every table of a ledger but for times. Episodes are named by what they are, not by who began first."""
    tables: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        names = {row["id"]: [row["task_id"], row["arm"], row["repeat"]] for row in db.execute("SELECT * FROM episodes")}
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = [dict(row) for row in db.execute(f"SELECT * FROM {table}")]
            for row in rows:
                if "episode" in row:
                    row["episode"] = names[row["episode"]]
                if table == "episodes":
                    del row["id"]
                if table == "verdicts":
                    detail = json.loads(row["detail"])
                    row["detail"] = {name: v for name, v in detail.items() if (table, name) not in TIMES}
            plain = [{name: v for name, v in row.items() if (table, name) not in TIMES} for row in rows]
            tables[table] = sorted(json.dumps(row, sort_keys=True) for row in plain)
    return json.dumps(tables, sort_keys=True, indent=1).encode()


async def main(file: Path, folder: Path) -> None:
    async with Judge() as judge:
        lab = Lab(folder, load_benchmark("humaneval"), judge)
        with Recording(file, "replay") as recording:
            await experiment(lab, recording, "replayed")
    sys.stdout.buffer.write(content(folder / "replayed" / "ledger.sqlite"))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
