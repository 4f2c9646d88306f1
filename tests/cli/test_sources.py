"""The feedback sources from the command line, with scripted models (fakes)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import write_script

SOURCES = "placebo,self_tests,visible_tests,execution,none+gate=visible_tests,intrinsic+review=turns"
RUN = ["run", "humaneval", "--limit", "3", "--rounds", "1", "--arms"]
TESTER = {"role": "tester", "reply": "assert truncate_number(2.25) == 0.25\nassert truncate_number(1.5) == 1.5"}


def with_tester(path: Path) -> Path:
    path.write_text(json.dumps(TESTER) + "\n" + path.read_text())
    return path


@pytest.mark.slow
def test_every_source_runs_and_is_shown(banchu: Any, scripted: str) -> None:
    with_tester(Path(scripted.partition(":")[2]))
    done = banchu(*RUN, SOURCES, "--model", scripted)
    assert done.returncode == 0, done.stderr
    assert "external: runs its own tests" in " ".join(done.stdout.split())
    shown = banchu("show", "last", "2", "--arm", "self_tests").stdout
    assert "assert truncate_number(2.25) == 0.25  # holds" in shown
    assert "assert truncate_number(1.5) == 1.5  # does not hold" in shown
    assert "assert truncate_number(2.25) == 0.25 # output: 0.5" in shown
    assert "feedback (self_tests, rejects)" in shown
    told = banchu("show", "last", "2", "--arm", "execution").stdout
    assert ">>> truncate_number(3.5)" in told
    assert "feedback (visible_tests, accepts)" in banchu("show", "last", "2", "--arm", "visible_tests").stdout
    (record,) = json.loads(banchu("show", "last", "2", "--arm", "self_tests", "--json").stdout)
    assert [test["holds"] for test in record["self_tests"]] == [True, False]
    assert record["accepts"] == [False]


@pytest.mark.slow
def test_a_second_model_reviews_and_is_named(banchu: Any, scripted: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    critic = write_script(tmp_path / "other")
    path = Path(critic.partition(":")[2])
    path.write_text(json.dumps({"role": "critic", "reply": "Another voice.\nVERDICT: incorrect"}) + "\n")
    alone = banchu(*RUN, "intrinsic", "--model", scripted)
    helped = banchu(*RUN, "intrinsic", "--model", scripted, "--critic", critic)
    assert (alone.returncode, helped.returncode) == (0, 0), helped.stderr
    assert "Another voice." in banchu("show", "last", "2").stdout
    assert "critic     scripted:" in banchu("show", "last").stdout
    folders = {line for done in (alone, helped) for line in done.stdout.splitlines() if line.startswith("run folder")}
    assert len(folders) == 2
    assert banchu("resume", "last").returncode == 0


@pytest.mark.slow
def test_a_critic_that_nobody_asks_is_pointed_out(banchu: Any, scripted: str) -> None:
    done = banchu(*RUN, "none", "--model", scripted, "--critic", scripted)
    assert "--critic" not in done.stderr  # it is the model itself
    done = banchu(*RUN, "none", "--model", scripted, "--critic", "smollm2")
    assert "--critic reviews in arms with intrinsic" in done.stderr
