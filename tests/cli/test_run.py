from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.warm import WarmBanchu

from banchu.sandbox import ISOLATIONS

from .conftest import write_script

RUN = ["run", "humaneval", "--limit", "4", "--rounds", "2", "--no-controls"]


def run_folder(text: str) -> str:
    return next(line.removeprefix("run folder: ") for line in text.splitlines() if line.startswith("run folder: "))


class Finished(NamedTuple):
    """A finished run: the folder in which it was begun, its model, and what it said."""

    folder: Path
    model: str
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def once(warm_banchu: WarmBanchu, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    model = write_script(folder)
    done = warm_banchu.run([*RUN, "--model", model], folder, {**os.environ, "COLUMNS": "120"})
    assert done.returncode == 0, done.stderr
    return Finished(folder, model, done)


@pytest.fixture
def finished(once: Finished, tmp_path: Path) -> str:
    """The model of a finished run, of which the test's folder has a copy."""
    shutil.copytree(once.folder / "runs", tmp_path / "runs", symlinks=True)
    return once.model


def test_a_run_ends_with_a_table_the_folder_and_what_to_type_next(once: Finished) -> None:
    done = once.done
    for wanted in ("none", "intrinsic", "oracle_trace", "c→i", "i→c", "oracle", "sealed", "against", "p"):
        assert wanted in done.stdout
    assert (once.folder / run_folder(done.stdout) / "ledger.sqlite").exists()
    assert "banchu show" in done.stdout
    assert "episodes 12/12" in done.stderr
    assert "left" in done.stderr


def test_json_is_the_same_numbers(banchu: Any, finished: str) -> None:
    done = banchu(*RUN, "--model", finished, "--json")
    result = json.loads(done.stdout)
    assert result["outcome"]["complete"]
    arms = {arm["arm"]: arm for arm in result["summary"]["arms"]}
    assert [a["value"] for a in arms["none"]["accuracy"]] == [0.25, 0.5, 0.25]
    assert [a["value"] for a in arms["oracle_trace"]["accuracy"]] == [0.25, 0.5, 0.5]
    assert arms["none"]["oracle_calls"] == 0
    assert arms["none"]["prompts_with_sealed_text"] == arms["intrinsic"]["prompts_with_sealed_text"] == 0
    assert arms["oracle_trace"]["prompts_with_sealed_text"] > 0


@pytest.mark.slow
def test_the_same_command_again_finds_its_run(banchu_afresh: Any, once: Finished, finished: str) -> None:
    again = banchu_afresh(*RUN, "--model", finished)
    assert again.stdout == once.done.stdout


def test_a_fresh_run_stands_beside_its_equal(banchu: Any, scripted: str) -> None:
    run = ["run", "humaneval", "--limit", "1", "--arms", "none", "--rounds", "0", "--model", scripted]
    first, fresh = banchu(*run), banchu(*run, "--fresh")
    assert run_folder(fresh.stdout) == run_folder(first.stdout) + "-2"


def test_show_tells_the_whole_story_of_an_episode(banchu: Any, finished: str) -> None:
    whole = banchu("show", "last")
    assert whole.returncode == 0, whole.stderr
    assert "HumanEval/2" in whole.stdout
    one = banchu("show", "last", "2", "--arm", "oracle_trace")
    for wanted in (
        "attempt 0: wrong_answer",
        "+    return n % 1.0",
        "assertion",
        "reflection",
        "I forgot the fraction.",
    ):
        assert wanted in one.stdout
    assert "SEALED TEXT IN PROMPT" in one.stdout
    told = json.loads(banchu("show", "last", "2", "--json").stdout)
    assert [episode["arm"] for episode in told] == ["none", "intrinsic", "oracle_trace"]
    assert json.loads(banchu("show", "last", "--json").stdout)["config"]["rounds"] == 2


def test_the_finite_answer_null_is_printed_where_the_answers_are_counted(banchu: Any, finished: str) -> None:
    """A quarter is right at first; one more guess among the other 4 adds a quarter of the rest, another one more."""
    told = json.loads(banchu("show", "last", "--answers", "5", "--json").stdout)
    assert told["guess_null"] == {"oracle_trace": [0.25, 0.4375, 0.625]}
    line = "oracle_trace: guessing among 5 answers under its oracle, after its own first answers: r0 25.0 %, r1 43.8 %"
    assert line in banchu("show", "last", "--answers", "5").stdout
    few = banchu("show", "last", "--answers", "1")
    assert few.returncode == 2
    assert "--answers 1 is too small" in few.stderr


@pytest.mark.slow
def test_compare_within_a_run_and_across_two(banchu: Any, finished: str) -> None:
    inside = banchu("compare", "last")
    assert inside.returncode == 0, inside.stderr
    assert "oracle_trace" in inside.stdout
    first = run_folder(banchu(*RUN, "--model", finished).stdout)
    other = run_folder(banchu(*RUN, "--model", finished, "--seed", "7", "--limit", "3").stdout)
    across = json.loads(banchu("compare", f"{first}:none", f"{other}:oracle_trace", "--json").stdout)
    assert across[0]["pairs"] == 3
    assert across[0]["tasks_only_a"] == ["HumanEval/3"]


@pytest.mark.slow
def test_controls_come_by_themselves_and_are_named(banchu: Any, scripted: str) -> None:
    run = ["run", "humaneval", "--limit", "3", "--rounds", "1", "--model", scripted]
    done = banchu(*run, "--json")
    added = [
        "none+choose=majority+rounds=6",
        "placebo+rounds=3",
        "oracle_stop+rounds=4",
        "oracle_trace+stop=rounds",
    ]
    assert f"controls added: {', '.join(added)} (--no-controls leaves them out)" in done.stderr
    summary = json.loads(done.stdout)["summary"]
    assert [arm["arm"] for arm in summary["arms"]] == ["none", "intrinsic", "oracle_trace", *added]
    pairs = {(c["a"], c["b"]) for c in summary["comparisons"] if c["control"]}
    assert pairs >= {("none", "intrinsic"), ("placebo+rounds=3", "intrinsic"), ("oracle_stop+rounds=4", "oracle_trace")}
    assert [arm["fair"] for arm in summary["arms"]][:3] == ["fair-symmetric", "fair-symmetric", "unfair-asymmetric"]
    shown = banchu("show", "last").stdout
    for wanted in ("Labels", "equal budgets", "its control", "Change between consecutive attempts", "oracle_stop"):
        assert wanted in shown
    assert "Feedback as a judge of attempts" in shown  # the critic accepts
    told = json.loads(banchu("show", "last", "--json").stdout)
    assert [edits["arm"] for edits in told["edits"]] == told["config"]["arms"]
    assert [parts["missing"] for parts in told["summary"]["oracle_parts"]] == [[]]  # all four arms are there
    # Nothing to add: no word of it, and the run is the one that it always was.
    assert "controls" not in banchu("resume", "last").stderr
    assert "controls" not in banchu(*run, "--rounds", "0", "--limit", "1").stderr


def test_tasks_shows_the_prompt_and_never_the_tests(banchu: Any) -> None:
    listing = banchu("tasks", "humaneval")
    assert "164 tasks" in listing.stdout
    one = banchu("tasks", "humaneval/3")
    assert "below_zero" in one.stdout
    assert "assert" not in one.stdout
    assert "candidate" not in one.stdout
    assert len(json.loads(banchu("tasks", "humaneval", "--json").stdout)) == 164


def test_models_and_doctor_speak(banchu: Any) -> None:
    assert "smollm2" in banchu("models").stdout
    assert {info["spec"] for info in json.loads(banchu("models", "--json").stdout)} >= {"smollm2"}
    checks = {check["name"]: check for check in json.loads(banchu("doctor", "--json").stdout)}
    assert checks["isolation namespaces"]["ok"]
    assert {name.partition(" ")[2] for name in checks if name.startswith("isolation ")} == set(ISOLATIONS)
    assert all(check["ok"] or check["remedy"] for check in checks.values())
    assert checks["humaneval"]["ok"]


@pytest.mark.slow
def test_every_command_works_in_a_new_interpreter(banchu_afresh: Any, finished: str) -> None:
    """One that has imported everything hides what a command forgot. `run` is above, `judge` in a file of its own."""
    commands = ("resume last", "show last", "show last 2", "compare last", "tasks humaneval", "models", "doctor")
    for command in map(str.split, commands):
        done = banchu_afresh(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout


@pytest.mark.parametrize("command", ["run", "resume", "judge", "show", "compare", "tasks", "models", "doctor"])
def test_every_command_has_help_with_an_example(banchu: Any, command: str) -> None:
    help_text = banchu(command, "--help").stdout
    assert "Example" in help_text
    assert f"banchu {command}" in help_text


@pytest.mark.slow
def test_an_answer_that_depends_on_chance_is_flaky_wherever_it_is_shown(banchu: Any, tmp_path: Path) -> None:
    code = "import random\nLUCK = random.random()\ndef truncate_number(n):\n    return n % 1.0 if LUCK < 0.5 else 7\n"
    script = tmp_path / "chance.jsonl"
    script.write_text(json.dumps({"match": ".", "reply": f"```python\n{code}```"}) + "\n")
    run = [
        "run",
        "humaneval",
        "--model",
        f"scripted:{script}",
        "--task",
        "2",
        "--rounds",
        "1",
        "--arms",
        "oracle_trace",
    ]
    told = json.loads(banchu(*run, "--confirm", "4", "--json").stdout)
    assert [each["value"] for each in told["summary"]["arms"][0]["accuracy"]] == [0.0, 0.0]
    shown = banchu("show", "last")
    assert "~~" in shown.stdout
    assert "each attempt 4 times" in shown.stdout
    episode = banchu("show", "last", "2").stdout
    assert "attempt 0: flaky" in episode
    assert "the answer depends on chance" in episode
    assert banchu("resume", "last").returncode == 0
    # Without it the same command is another run, the one that it always was.
    assert banchu(*run).returncode == 0
    assert json.loads(banchu("show", "last", "--json").stdout)["config"].get("confirm") is None
