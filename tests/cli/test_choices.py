"""A multiple-choice file on the command line: listed with its answers, run, and refused where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Banchu

ROWS: list[dict[str, object]] = [
    {"task_id": f"quiz/{n}", "question": f"Is {n} even?", "answers": ["yes", "no"], "answer": ("yes", "no")[n % 2]}
    for n in range(4)
]


def write(folder: Path, *rows: dict[str, object]) -> str:
    (folder / "quiz.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return "quiz.jsonl"


def test_tasks_lists_the_answers_and_not_which_is_right(banchu: Banchu, tmp_path: Path) -> None:
    listed = banchu("tasks", write(tmp_path, *ROWS))
    assert listed.returncode == 0
    assert listed.stdout.count("'yes', 'no'") == len(ROWS)
    told = json.loads(banchu("tasks", "quiz.jsonl", "--json").stdout)
    assert {tuple(task["answers"]) for task in told} == {("'yes'", "'no'")}
    assert {key for task in told for key in task} == {"id", "benchmark", "prompt", "entry_point", "examples", "answers"}
    assert "answers" not in banchu("tasks", "humaneval").stdout


@pytest.mark.slow
def test_guessing_among_two_answers_ends_right_after_one_round(banchu: Banchu, tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(json.dumps({"match": ".", "reply": "```python\ndef answer():\n    return 'yes'\n```"}) + "\n")
    done = banchu(
        "run", write(tmp_path, *ROWS), "--model", f"scripted:{script}", "--arms", "random", "--rounds", "1", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert "controls added: none" in done.stderr
    arms = {arm["arm"]: arm for arm in json.loads(done.stdout)["summary"]["arms"]}
    assert [accuracy["value"] for accuracy in arms["random"]["accuracy"]] == [0.5, 1.0]
    assert [accuracy["value"] for accuracy in arms["none"]["accuracy"]] == [0.5, 0.5]
    episode = banchu("show", "last", "quiz/1", "--arm", "random")
    assert "return 'no'" in episode.stdout


def test_what_cannot_be_guessed_is_one_line(banchu: Banchu, tmp_path: Path) -> None:
    refused = banchu("run", "humaneval", "--model", "smollm2", "--arms", "none,random", "--limit", "1")
    assert refused.returncode == 2
    (line,) = refused.stderr.strip().splitlines()
    assert "arm 'random'" in line
    assert "'HumanEval/0'" in line
    wrong = banchu("run", write(tmp_path, {**ROWS[0], "answer": "maybe"}), "--model", "smollm2", "--arms", "random")
    assert wrong.returncode == 3
    assert "line 1: field 'answer' is 'maybe'; it must be one of 'answers': 'yes', 'no'" in wrong.stderr
