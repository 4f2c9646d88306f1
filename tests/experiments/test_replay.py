"""A recorded experiment is made again without a model: every table of the ledger byte for byte, times aside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.experiments.conftest import Lab
from tests.experiments.replaying import content, experiment, fakes, opener

from banchu.core.errors import ModelError
from banchu.models import Model
from banchu.models.recorded import Recording
from banchu.models.registry import ModelOptions

ROOT = Path(__file__).parents[2]


def nobody(spec: str, options: ModelOptions) -> Model:
    raise AssertionError(f"{spec} was opened")


async def record(lab: Lab, file: Path, name: str = "recorded", tasks: int = 2) -> bytes:
    """The ledger of a run that was recorded into `file`."""
    with Recording(file, "record", opener=opener(fakes(lab))) as recording:
        await experiment(lab, recording, name, tasks)
        assert recording.tally.bought
    return content(lab.folder / name / "ledger.sqlite")


async def test_a_replay_is_the_same_ledger_and_asks_nobody(lab: Lab) -> None:
    file = lab.folder / "answers.jsonl"
    ledger = await record(lab, file)
    before = file.read_bytes()
    with Recording(file, "replay", opener=nobody) as recording:
        await experiment(lab, recording, "replayed")
    assert content(lab.folder / "replayed" / "ledger.sqlite") == ledger
    assert file.read_bytes() == before
    # Recording again buys nothing; what failed on the way is asked for again, and nothing else.
    models = fakes(lab)
    with Recording(file, "record", opener=opener(models)) as recording:
        await experiment(lab, recording, "again")
        assert (recording.tally.bought, sum(model.calls for model in models.values())) == (0, 0)
    assert content(lab.folder / "again" / "ledger.sqlite") == ledger
    # What makes this a test: all that can happen did.
    tables = {name: [json.loads(row) for row in rows] for name, rows in json.loads(ledger).items()}
    assert {row["status"] for row in tables["episodes"]} == {"done", "failed"}
    assert {row["error"] for row in tables["episodes"]} >= {"", "context overflow: the prompt does not fit", "busy"}
    filled = {name for name, rows in tables.items() if rows}
    assert filled >= {"attempts", "calls", "feedback", "proofs", "reflections", "self_tests", "verdicts"}


async def test_recording_changes_nothing(lab: Lab) -> None:
    benchmark, arms = lab.tasks(2), "none,intrinsic"
    models = fakes(lab)
    with Recording(lab.folder / "a.jsonl", "record", opener=opener(models)) as recording:
        kept = {spec: recording.open(spec) for spec in models}
        for name, team in (("plain", models), ("kept", kept)):
            await lab.run(name, benchmark, arms, team["actor"], critic=team["critic"], reflector=team["reflector"])
    assert content(lab.folder / "plain" / "ledger.sqlite") == content(lab.folder / "kept" / "ledger.sqlite")


@pytest.mark.parametrize("seed", ["4242", pytest.param("1", marks=pytest.mark.slow)])
@pytest.mark.slow
async def test_another_process_with_another_seed_of_hashes_replays_the_same(lab: Lab, seed: str) -> None:
    file = lab.folder / "answers.jsonl"
    ledger = await record(lab, file)
    done = subprocess.run(
        [sys.executable, "-m", "tests.experiments.replaying", str(file), str(lab.folder / "other")],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    )
    assert done.stdout == ledger


@pytest.mark.slow
async def test_a_replay_of_more_than_was_recorded_ends_at_the_first_miss(lab: Lab) -> None:
    file = lab.folder / "answers.jsonl"
    await record(lab, file, tasks=1)
    with Recording(file, "replay", opener=nobody) as recording, pytest.raises(ModelError) as error:
        await experiment(lab, recording, "more", tasks=2)
    assert error.value.fatal
    assert "holds no answer to this request (actor, round 0, model actor@1)" in str(error.value)
    # What could be replayed is kept, and the same run goes on where the recording does.
    with Recording(file, "record", opener=opener(fakes(lab))) as recording:
        await experiment(lab, recording, "more", tasks=2)
    with Recording(file, "replay", opener=nobody) as recording:
        await experiment(lab, recording, "whole", tasks=2)
    assert content(lab.folder / "more" / "ledger.sqlite") == content(lab.folder / "whole" / "ledger.sqlite")
