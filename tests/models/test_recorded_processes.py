"""Two processes record into one cache, and one is killed while it records: nothing that was told is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.models.recorder import asked

from banchu.models.recorded.store import Store

ROOT = Path(__file__).parents[2]


def start(path: Path, who: str, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.models.recorder", str(path), who, str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def told(output: str) -> dict[int, str]:
    """What a recorder said it was given: who answered, by seed. Whole lines only, it may have been killed."""
    lines = [line.split() for line in output.splitlines(keepends=True) if line.endswith("\n")]
    return {int(seed): who for seed, who in lines if seed != "bought"}


def kept(path: Path) -> dict[int, str]:
    """Who answered, by seed, as the file has it; each answer is read to its end."""
    store = Store(path)
    found = {}
    for entry in store.entries():
        text = entry.result().text
        assert text.endswith("x" * 20_000)
        seed = entry.request["sampling"]["seed"]
        assert entry.key == asked(seed).key("m")
        found[seed] = text.partition(" ")[0]
    store.close()
    return found


def test_two_processes_record_into_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    processes = [start(path, "one", 0, 400), start(path, "two", 200, 600)]
    outputs = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    found = kept(path)
    assert set(found) == set(range(600))
    # Both were told what the file holds, whoever was first.
    for output in outputs:
        said = told(output)
        assert len(said) == 400
        assert said == {seed: found[seed] for seed in said}
    assert path.read_bytes().count(b'"key":"') == 600


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
@pytest.mark.slow
def test_a_killed_recorder_loses_nothing_that_was_told(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "answers.jsonl"
    chance = random.Random(20261121)
    known: dict[int, str] = {}
    survivor = start(path, "survivor", 10**6, 10**6 + 200 * kills)
    for n in range(kills):
        process = start(path, f"run{n}", len(known), 10**6)  # goes on where the last one was killed
        assert process.stdout
        first = process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.2))
        process.kill()
        known |= told(first + process.communicate()[0])
        found = kept(path)
        assert {seed: found.get(seed) for seed in known} == known
    said = told(survivor.communicate(timeout=500)[0])
    assert survivor.returncode == 0
    assert len(said) == 200 * kills
    found = kept(path)
    assert {seed: found.get(seed) for seed in known | said} == known | said
