"""`banchu demo` as a newcomer meets it: no model, no key, no network, a few seconds, and something to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from banchu.cli import demo
from banchu.core.arm import parse_arms
from banchu.models.recorded.store import Store

STALE = (
    "The recorded demo no longer fits what banchu asks: a prompt, an arm or the demo's tasks changed. "
    "Record it again with `python perf/record_demo.py` (a few minutes, needs smollm2)."
)
LARGEST = 300_000
BLOCKED = ("torch", "transformers", "openai", "accelerate", "gguf")


PROGRAM = f"""
import socket, sys

for name in {BLOCKED!r}:
    sys.modules[name] = None


class Local(socket.socket):
    def connect(self, address):
        assert self.family == socket.AF_UNIX, f"connects to {{address}}"
        return super().connect(address)


socket.socket = Local
from banchu.cli.main import main

sys.argv = ["banchu", "demo"]
main()
"""
"""The command in a process that can import none of those packages and reach no other machine."""


@dataclass(frozen=True)
class Ran:
    """What one run of it did."""

    folder: Path
    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """For all who look at what it said. No key is in its environment, and no cache of anybody."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True, timeout=110
    )
    return Ran(folder, done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_the_shipped_recording_fits_what_is_asked(ran: Ran) -> None:
    assert ran.code == 0, f"{STALE}\n\n{ran.stderr[-3000:]}"


@pytest.mark.slow
def test_something_happens_in_it(ran: Ran) -> None:
    """Else it shows nothing: some answers right and some wrong at first, and flips in an arm that is told something."""
    (folder,) = (ran.folder / "runs").iterdir()
    flips = [line.split() for line in ran.stdout.partition("Flips:")[2].splitlines() if line.endswith(("i→c", "c→i"))]
    assert {flip[1] for flip in flips} - {"none"}, STALE
    assert len(flips) >= 3
    assert ran.stdout.count(str(Path("runs") / folder.name)) >= 3


@pytest.mark.slow
def test_it_says_what_it_is_and_what_to_do_next(ran: Ran) -> None:
    said = " ".join(ran.stdout.split())
    for words in ("replayed: SmolLM2-135M-Instruct", "picked because something happens", "not a measurement"):
        assert words in said
    report = next(line for line in ran.stdout.splitlines() if line.startswith("report: ")).removeprefix("report: ")
    assert "## Each flip" in (ran.folder / report).read_text()
    assert "next: banchu show runs/" in said


@pytest.mark.slow
def test_its_ledger_is_that_of_the_recorded_run(ran: Ran) -> None:
    """Of any Python: what a program's error is called is in the verdicts. perf/replay_elsewhere.py tries others."""
    (line,) = (line for line in ran.stdout.splitlines() if line.startswith("ledger: "))
    wanted = demo.recorded_digest().sha256
    assert line == f"ledger: the same as that of the recorded run, times aside: sha256 {wanted}", STALE


@pytest.mark.slow
def test_what_it_tells_to_do_next_can_be_done(ran: Ran, warm_banchu: Any) -> None:
    commands = [line.removeprefix("next:").split() for line in ran.stdout.splitlines() if " banchu show " in line]
    assert len(commands) == 2
    for command in commands:
        done = warm_banchu.run(command[1:], ran.folder, {**os.environ, "COLUMNS": "120"})
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_again_it_shows_the_same(ran: Ran, warm_banchu: Any) -> None:
    before = sorted((ran.folder / "runs").iterdir())
    again = warm_banchu.run(["demo"], ran.folder, {**os.environ, "COLUMNS": "120"})
    assert again.returncode == 0, again.stderr
    assert again.stdout == ran.stdout
    assert sorted((ran.folder / "runs").iterdir()) == before
    plain = json.loads(warm_banchu.run(["demo", "--json"], ran.folder, dict(os.environ)).stdout)
    assert plain["ledger"] == {"sha256": demo.recorded_digest().sha256, "same": True, "differs": {}}
    assert len(plain["flips"]) == sum(line.endswith(("i→c", "c→i")) for line in ran.stdout.splitlines())


def test_the_recording_is_small_and_of_the_model_that_it_names() -> None:
    with demo.recorded() as path:
        assert path.stat().st_size < LARGEST
        store = Store(path)
        (model,) = store.models
        assert (model["spec"], model["style"]) == ("smollm2", "completion")
        assert model["id"].startswith("smollm2@")
        entries = list(store.entries())
        store.close()
    assert {entry.model for entry in entries} == {model["id"]}
    assert all(entry.final and entry.result().usage.completion_tokens for entry in entries)
    # Nothing of the machine that it was recorded on.
    assert not [entry for entry in entries if "/root" in str(entry.request) or "/home" in str(entry.request)]


def test_the_digest_that_came_with_it_is_of_this_recording() -> None:
    with demo.recorded() as path:
        store = Store(path)
        entries = len(list(store.entries()))
        store.close()
    tables = demo.recorded_digest().tables
    assert (tables["calls"].rows, tables["episodes"].rows) == (entries, len(demo.TASKS) * len(demo.ARMS)), STALE


def test_a_ledger_that_differs_is_said_with_table_and_column() -> None:
    here = demo.recorded_digest()
    verdicts = here.tables["verdicts"]
    columns = {**verdicts.columns, "detail.error": "f" * 64}
    other = {**here.tables, "verdicts": replace(verdicts, sha256="e" * 64, columns=columns)}
    said = demo.likeness_of(replace(here, sha256="d" * 64, tables=other))
    assert str(said) == f"not that of the recorded run, it differs in verdicts (detail.error): sha256 {'d' * 64}"
    assert str(demo.likeness_of(here)).startswith("the same as that of the recorded run, times aside: sha256 ")


def test_its_words_name_the_arms_that_it_has() -> None:
    assert tuple(arm.name for arm in parse_arms(demo.invocation().arms)) == demo.ARMS
    assert {"none", "oracle_trace"} < set(demo.ARMS)
