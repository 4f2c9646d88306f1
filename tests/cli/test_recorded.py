"""`--record`, `--replay` and `--cache` from the command line, with a scripted fake whose file is then taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RUN = ["run", "humaneval", "--limit", "1", "--rounds", "1", "--arms", "none,intrinsic", "--no-controls"]


def summary(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["summary"]


def test_a_run_is_recorded_and_replayed_without_its_model(banchu: Any, scripted: str, tmp_path: Path) -> None:
    recorded = banchu(*RUN, "-m", scripted, "--record", "a.jsonl", "--json")
    first = summary(recorded)
    bought = json.loads(recorded.stdout)["recording"]
    assert bought["bought"] > 3
    assert bought["taken"] == 0
    Path(scripted.partition(":")[2]).unlink()
    replayed = banchu(*RUN, "-m", scripted, "--replay", "a.jsonl", "--out", "other", "--json")
    assert summary(replayed) == first
    told = json.loads(replayed.stdout)
    assert told["recording"] == {"file": "a.jsonl", "bought": 0, "taken": bought["bought"]}
    # The same configuration is the same run, wherever its answers came from.
    assert Path(told["folder"]).name == Path(json.loads(recorded.stdout)["folder"]).name
    said = banchu(*RUN, "-m", scripted, "--replay", "a.jsonl", "--out", "third").stdout
    assert f"replayed: {bought['bought']} answers from 'a.jsonl', none bought" in said


@pytest.mark.slow
def test_the_cache_is_shared_by_runs(banchu: Any, scripted: str, tmp_path: Path) -> None:
    said = [
        banchu(*RUN, "-m", scripted, "--cache", "--out", out, XDG_CACHE_HOME=str(tmp_path / "cache")).stdout
        for out in ("one", "two")
    ]
    assert "0 answers from" in said[0]
    assert ", 0 bought and kept" in said[1]
    assert (tmp_path / "cache" / "banchu" / "answers.jsonl").is_file()


@pytest.mark.slow
def test_a_miss_is_an_error_with_a_diff_and_the_run_can_go_on(banchu: Any, scripted: str) -> None:
    banchu(*RUN, "-m", scripted, "--record", "a.jsonl")
    other = ["--out", "other", "--temperature", "0.9"]
    done = banchu(*RUN, "-m", scripted, "--replay", "a.jsonl", *other)
    assert done.returncode == 4
    assert "'a.jsonl' holds no answer to this request (actor, round 0, model scripted:" in done.stderr
    assert "sampling.temperature: 0.2 recorded, 0.9 asked" in done.stderr
    assert "Traceback" not in done.stderr
    assert banchu("resume", str(next_run("other", done)), "--record", "a.jsonl").returncode == 0
    assert banchu(*RUN, "-m", scripted, "--replay", "a.jsonl", *other, "--fresh").returncode == 0


def next_run(out: str, done: Any) -> Path:
    """The folder that a run named."""
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("run folder: "))
    folder = Path(line.removeprefix("run folder: "))
    assert folder.parent == Path(out)
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--record", "a", "--replay", "b"], 2, "--record and --replay cannot go together; write one of them"),
        (["--replay", "b", "--cache"], 2, "--replay and --cache cannot go together"),
        (["--replay", "missing.jsonl"], 2, "recording 'missing.jsonl': No such file or directory"),
        (["--replay", "script.jsonl"], 3, "recording 'script.jsonl', line 1: this is no recording of banchu"),
        (["--record", "script.jsonl"], 3, "recording 'script.jsonl', line 1: this is no recording of banchu"),
        (["--record", "a.jsonl.gz"], 2, "packed recordings are for --replay"),
    ],
)
def test_bad_options_are_one_line(banchu: Any, scripted: str, arguments: list[str], code: int, said: str) -> None:
    before = Path(scripted.partition(":")[2]).read_bytes()
    done = banchu(*RUN, "-m", scripted, *arguments)
    assert done.returncode == code
    assert done.stderr.startswith("banchu: error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert Path(scripted.partition(":")[2]).read_bytes() == before


@pytest.mark.slow
def test_half_a_line_is_said_before_the_run(banchu: Any, scripted: str, tmp_path: Path) -> None:
    banchu(*RUN, "-m", scripted, "--record", "a.jsonl")
    (tmp_path / "a.jsonl").write_bytes((tmp_path / "a.jsonl").read_bytes()[:-7])
    done = banchu(*RUN, "-m", scripted, "--record", "a.jsonl", "--out", "other")
    assert done.returncode == 0
    assert "'a.jsonl' ends with half a line" in done.stderr
    assert ", 1 bought and kept" in done.stdout
