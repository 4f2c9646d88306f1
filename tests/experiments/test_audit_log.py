"""A log against a benchmark: what is judged, what does not fit, what its own tests would have done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from banchu.benchmarks import Benchmark, load_benchmark, select
from banchu.core.errors import DataError
from banchu.core.verdict import Verdict
from banchu.experiments.audit import JudgedLog, Log, Misfit, find_misfits, read_log
from banchu.experiments.audit.few_shots import overlapping
from banchu.experiments.audit.own_tests import Replayed, replay
from banchu.experiments.verdict_file import Finding
from banchu.sandbox import Judge, Limits

CHECK = "def check(candidate):\n    assert candidate(21) == 42\n    assert candidate(-3) == -6\n"
PROMPT = 'from math import inf\n\n\ndef twice(x):\n    """Twice the number that is given, whatever it may be."""\n'
RIGHT = "def twice(x):\n    return x * 2\n"
WRONG = "def twice(x):\n    return x * x\n"
TASK = {"prompt": PROMPT, "entry_point": "twice", "test": CHECK, "canonical_solution": "    return x + x\n"}


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps({**TASK, "task_id": f"mine/{n}"}) + "\n" for n in range(4)))
    return load_benchmark(str(path))


def log_of(tmp_path: Path, benchmark: Benchmark, *rows: dict[str, Any], **options: Any) -> Log:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_log(str(path), benchmark, **options)


def judged_log(log: Log, benchmark: Benchmark) -> JudgedLog:
    """With verdicts on sight: what multiplies by two is right."""

    def verdict(code: str | None) -> Verdict:
        return Verdict("no_answer" if code is None else "passed" if "x * 2" in code else "wrong_answer")

    return JudgedLog(log, benchmark, {each.line: Finding(each, verdict(each.code)) for each in log.samples.all})


def misfits(tmp_path: Path, benchmark: Benchmark, *rows: dict[str, Any]) -> dict[str, Misfit]:
    found = find_misfits(judged_log(log_of(tmp_path, benchmark, *rows), benchmark))
    return {misfit.code: misfit for misfit in found}


def row(number: int | str, *attempts: str | None, **more: Any) -> dict[str, Any]:
    return {"task_id": f"mine/{number}", "attempts": list(attempts), **more}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("    return x * 2\n", f"{PROMPT}    return x * 2\n"),
        (RIGHT, f"{PROMPT}{RIGHT}"),
        ("  \n", None),
        (None, None),
        (f"from __future__ import annotations\n{RIGHT}", f"from __future__ import annotations\n{RIGHT}"),
    ],
)
def test_whole_functions_and_bodies_both_have_the_prompt_before_them(
    tmp_path: Path, benchmark: Benchmark, text: str | None, code: str | None
) -> None:
    assert [sample.code for sample in log_of(tmp_path, benchmark, row(0, text)).samples.all] == [code]


def test_replies_are_read_for_their_programs(tmp_path: Path, benchmark: Benchmark) -> None:
    log = log_of(tmp_path, benchmark, row(0, f"Sure:\n```python\n{RIGHT}```"), replies=True)
    assert [sample.code for sample in log.samples.all] == [f"from math import inf\n{RIGHT}"]


def test_a_translated_name_is_the_task_it_was_translated_from(tmp_path: Path) -> None:
    humaneval = load_benchmark("humaneval")
    for name, wanted in (("HumanEval_23_strlen", "HumanEval/23"), ("humaneval/7", "HumanEval/7"), ("9", "HumanEval/9")):
        assert _ids(tmp_path, humaneval, name) == [wanted]
    assert _ids(tmp_path, humaneval, "HumanEval/23", "HumanEval_999_f") == ["HumanEval/23", None]
    with pytest.raises(DataError, match=r"no record names a task of humaneval \(there: 'mbpp_3_is_not_prime'; "):
        _ids(tmp_path, humaneval, "mbpp_3_is_not_prime")


def _ids(tmp_path: Path, benchmark: Benchmark, *names: str) -> list[str | None]:
    log = log_of(tmp_path, benchmark, *({"task_id": name, "attempts": []} for name in names))
    return [entry.task.id if entry.task else None for entry in log.entries]


def test_nothing_is_found_in_a_log_that_fits(tmp_path: Path, benchmark: Benchmark) -> None:
    rows = [row(n, RIGHT.replace("x", f"x{n}").replace(f"x{n} * 2", "x * 2"), claimed=True) for n in range(3)]
    assert misfits(tmp_path, benchmark, *rows, row(3, WRONG, "    return x * 2\n", claimed=True)) == {}


def test_claims_are_held_against_verdicts(tmp_path: Path, benchmark: Benchmark) -> None:
    found = misfits(
        tmp_path,
        benchmark,
        row(0, WRONG, claimed=True),
        row(1, "    return x * 2\n", claimed=False),
        row(2, "", claimed=True),
        row(3, "", claimed=False),
    )
    assert {code: misfit.tasks for code, misfit in found.items()} == {
        "claimed-solved-fails": ("mine/0",),
        "claimed-failed-passes": ("mine/1",),
        "solved-without-solution": ("mine/2",),
    }
    assert all(misfit.odd for misfit in found.values())
    assert "1 of 1 program claimed to be right fail the sealed tests here: wrong_answer 1" in str(found)


def test_tasks_that_are_missing_there_twice_or_unknown(tmp_path: Path, benchmark: Benchmark) -> None:
    found = misfits(tmp_path, benchmark, row(0, RIGHT), row(0, WRONG), row(1, WRONG), row("x", RIGHT))
    assert {code: misfit.tasks for code, misfit in found.items()} == {
        "task-unknown": ("mine/x",),
        "task-twice": ("mine/0",),
        "task-missing": ("mine/2", "mine/3"),
    }


def test_only_the_first_record_of_a_task_counts_and_repeats_are_no_mistake(
    tmp_path: Path, benchmark: Benchmark
) -> None:
    log = log_of(tmp_path, benchmark, row(0, RIGHT), row(0, WRONG), row(0, WRONG, repeat=1))
    assert [(task, repeat) for task, repeat, _ in judged_log(log, benchmark).outcomes] == [("mine/0", 0), ("mine/0", 1)]
    samples = [{"task_id": "mine/0", "completion": "    return x * 2\n"}] * 2
    assert [entry.repeat for entry in log_of(tmp_path, benchmark, *samples).counted] == [0, 1]


def test_one_program_for_several_tasks_is_a_sign_but_one_body_is_not(tmp_path: Path, benchmark: Benchmark) -> None:
    found = misfits(tmp_path, benchmark, *(row(n, "def g():\n    pass\n", f"# {n}\n{RIGHT}") for n in range(4)))
    assert found["same-program"].tasks == ("mine/0", "mine/1", "mine/2", "mine/3")
    assert "`def g():`" in found["same-program"].says
    assert misfits(tmp_path, benchmark, *(row(n, "    return x * 2\n") for n in range(4))) == {}


def test_a_log_that_keeps_only_what_passes_is_noticed(tmp_path: Path, benchmark: Benchmark) -> None:
    stub = 'def twice(x):\n    """Twice."""\n'
    found = misfits(tmp_path, benchmark, row(0, RIGHT), row(1, ""), row(2, stub), row(3, None))
    assert found["wrong-first-blank"].tasks == found["wrong-last-blank"].tasks == ("mine/1", "mine/2", "mine/3")
    assert "wrong-last-blank" not in misfits(
        tmp_path, benchmark, row(0, RIGHT), row(1, ""), row(2, stub), row(3, WRONG)
    )
    assert misfits(tmp_path, benchmark, *(row(n, "") for n in range(4))) == {}


def test_nothing_that_a_terminal_obeys_comes_out_of_a_log(tmp_path: Path, benchmark: Benchmark) -> None:
    text = "def g():  # \x1b]0;owned\x07 \ud800"
    rows = [row(n, text) for n in range(4)]
    found = misfits(tmp_path, benchmark, *rows, {"task_id": "\x1b[2J\ud800", "attempts": []})
    assert all(misfit.says.isprintable() for misfit in found.values())
    assert found["task-unknown"].tasks == ("\ufffd[2J\ufffd",)
    with pytest.raises(DataError, match=r"\(\ufffd\[2J\)"):
        log_of(tmp_path, benchmark, {"\x1b[2J": 1})


def test_what_a_log_does_not_hold_is_said(tmp_path: Path, benchmark: Benchmark) -> None:
    other = {"test": CHECK.replace("42", "43"), "is_solved": True}
    rows = [
        {"task_id": "mine/0", "solution": "    return x * 2\n", "reflections": ["a"], **other},
        {"task_id": "mine/1", "implementations": ["    return x * 2"] * 2, **other, "test": f"\n{CHECK}"},
        {"task_id": "mine/2", "solution": "    return 2 * x\n    # x * 2", **other},
    ]
    found = misfits(tmp_path, benchmark, *rows)
    assert found["first-attempt-not-logged"].tasks == ("mine/0",)
    assert found["attempt-repeated"].tasks == ("mine/1",)
    assert found["other-tests"].tasks == ("mine/0", "mine/2")
    assert [misfit.odd for misfit in found.values()] == [True, False, False, False], "task-missing is what is odd"


def test_only_the_tasks_that_were_asked_for_are_looked_at(tmp_path: Path, benchmark: Benchmark) -> None:
    log = log_of(tmp_path, benchmark, row(0, RIGHT), row(1, WRONG, claimed=True), row("x", RIGHT))
    part = select(benchmark, ["0"])
    within = log.within(part)
    assert (len(within.entries), within.left_out) == (2, 1)
    assert [misfit.code for misfit in find_misfits(judged_log(within, part))] == ["task-unknown"]


def test_few_shots_from_the_benchmark_are_found_in_the_log_and_beside_it(tmp_path: Path, benchmark: Benchmark) -> None:
    clean = log_of(tmp_path, benchmark, row(0, RIGHT))
    assert (
        overlapping(clean, benchmark, "Sort the list of words by their length, please, and drop the empty ones.") == []
    )
    (found,) = overlapping(clean, benchmark, f"Example:\n{PROMPT}")
    assert (found.code, found.odd) == ("few-shot-from-benchmark", True)
    assert "100 % of the docstring of mine/" in found.says
    (found,) = overlapping(log_of(tmp_path, benchmark, row(0, RIGHT, few_shots=[PROMPT])), benchmark, "")
    assert found.tasks == benchmark.ids


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(Limits(cpu_s=1.0, wall_s=5.0), slots=1) as judge:
        yield judge


def test_the_tests_of_a_log_are_run_on_its_first_attempts_and_on_the_references(
    tmp_path: Path, benchmark: Benchmark, judge: Judge
) -> None:
    rows = [
        row(0, RIGHT, tests=["assert twice(1) == 2", "assert twice(inf) == inf"]),
        row(1, WRONG, RIGHT, tests=["assert twice(2) == 4"]),
        row(2, RIGHT, RIGHT, tests=["assert twice(2) == 5", "this is no test"]),
        row(3, None, tests=["assert nothing(twice(1))"]),
    ]
    judged = judged_log(log_of(tmp_path, benchmark, *rows), benchmark)
    assert list(replay(judged, judge)) == [
        Replayed("mine/0", 2, False, True, True, True),
        Replayed("mine/1", 1, True, False, True, True),
        Replayed("mine/2", 1, True, True, False, False),
        Replayed("mine/3", 1, False, False, False, False),
    ]
    assert list(replay(judged, judge, stop=lambda: True)) == []
