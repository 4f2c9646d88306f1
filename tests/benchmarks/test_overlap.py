"""Few-shots that hold pieces of the benchmark are found; prompts that do not are left in peace."""

from __future__ import annotations

import json
import os
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.agents import prompts
from banchu.benchmarks import Benchmark, load_benchmark, overlaps, select
from banchu.benchmarks.overlap import WHOLE, N
from banchu.core.sealed import unseal

_DOCSTRING = "Check if in given list of numbers, are any two numbers closer to each other than given threshold."


@pytest.fixture(scope="module")
def humaneval() -> Benchmark:
    return load_benchmark("humaneval")


def check_of(benchmark: Benchmark, number: int) -> str:
    return unseal(benchmark.tasks[number].sealed).check


def test_no_false_alarm_on_the_agents_prompts(humaneval: Benchmark) -> None:
    texts = [prompts._text(name) for name in prompts.names()]
    assert len(texts) > 5
    assert overlaps("\n\n".join(texts), humaneval) == ()


def test_no_false_alarm_on_innocent_few_shots(humaneval: Benchmark) -> None:
    shots = (Path(__file__).parent / "few_shots.md").read_text()
    assert overlaps(shots, humaneval) == ()
    assert overlaps(shots, load_benchmark("easy")) == ()


def test_each_prompt_is_found_whole(humaneval: Benchmark) -> None:
    for each in humaneval.tasks:
        text = f"Here is an example.\n\n{each.task.prompt}\n    pass\n"
        (found,) = overlaps(text, select(humaneval, [each.task.id]))
        assert (found.part, found.share) == ("public", 1)


def test_all_prompts_at_once_are_all_found(humaneval: Benchmark) -> None:
    found = overlaps("\n".join(each.task.prompt for each in humaneval.tasks), humaneval)
    assert {each.task_id for each in found if each.share == 1} == set(humaneval.ids)


def test_a_pasted_docstring_is_a_hit_on_the_public_part(humaneval: Benchmark) -> None:
    (found,) = overlaps(f"Example task: {_DOCSTRING}", humaneval)
    assert (found.task_id, found.part, found.longest) == ("HumanEval/0", "public", 18)
    assert 0 < found.share < 1


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda text: text, 1),
        (lambda text: text.replace("candidate", "close_pair"), 1),
        (lambda text: text.replace("assert ", ">>> ").replace(" == ", "\n"), 1),
        (lambda text: text.replace("[", "(").replace("]", ")").replace(", ", ",").upper(), 1),
        # Other words between them: each assertion is found by itself.
        (lambda text: re.sub(r"\s+", " ", text).replace("assert ", "\n  self.assertTrue ( "), 0.1),
    ],
    ids=["as it is", "renamed", "doctests", "tuples, upper case", "unittest"],
)
def test_pasted_assertions_are_a_hit_on_the_sealed_part(humaneval: Benchmark, change: Any, least: float) -> None:
    check = check_of(humaneval, 0)
    found = overlaps(change(check[check.index("def check") :]), humaneval)
    sealed = [each for each in found if (each.task_id, each.part) == ("HumanEval/0", "sealed")]
    assert sealed
    assert sealed[0].share >= least
    assert not [each for each in found if each.part == "public"]


def test_one_hidden_assertion_is_enough(humaneval: Benchmark) -> None:
    (found,) = overlaps("close([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) -> False", humaneval)
    assert (found.task_id, found.part) == ("HumanEval/0", "sealed")


def test_what_the_prompt_shows_is_not_sealed(humaneval: Benchmark) -> None:
    for each in humaneval.tasks:
        # One by one: two in a row may be two in a row of the sealed tests, and that order the prompt does not show.
        own = select(humaneval, [each.task.id])
        found = [overlap for example in each.task.examples for overlap in overlaps(example, own)]
        assert not [overlap for overlap in found if overlap.part == "sealed"], each.task.id


def test_a_short_assertion_alone_is_no_hit_and_a_list_of_them_is(humaneval: Benchmark) -> None:
    assert overlaps("assert fizz(50) == 0", humaneval) == ()
    check = check_of(humaneval, 36)  # fizz_buzz(50) == 0 and so on, three tokens each
    assert [each.task_id for each in overlaps(check, humaneval)] == ["HumanEval/36"]


def test_greatest_share_first(humaneval: Benchmark) -> None:
    text = humaneval.tasks[5].task.prompt + _DOCSTRING
    found = overlaps(text, humaneval)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    assert {"HumanEval/0", "HumanEval/5"} <= {each.task_id for each in found}


_WORDS = st.lists(st.sampled_from(string.ascii_lowercase), max_size=40)


@given(_WORDS, _WORDS)
def test_share_and_run_are_what_brute_force_finds(tmp_path_factory: Any, left: list[str], right: list[str]) -> None:
    row = {"task_id": "t/0", "prompt": f'def g(x):\n    """{" ".join(left)}"""\n', "entry_point": "g", "test": ""}
    row["test"] = "def check(candidate):\n    assert candidate(1) == 1\n"
    path = tmp_path_factory.getbasetemp() / "brute.jsonl"
    path.write_text(json.dumps(row) + "\n")
    # Repeats make runs ambiguous, so half of the text is the docstring's own.
    text = right[:10] + left[len(left) // 3 :] + right[10:] + left[: len(left) // 2]
    found = overlaps(" ".join(text), load_benchmark(str(path)))
    n = min(N, len(left))
    runs = [left[i:j] for i in range(len(left)) for j in range(i + n, len(left) + 1)]
    common = [run for run in runs if _within(run, text)]
    if not common or len(left) < WHOLE:
        assert found == ()
        return
    (overlap,) = found
    assert overlap.longest == max(map(len, common))
    assert overlap.share == len([run for run in common if len(run) == n]) / (len(left) - n + 1)


def _within(run: list[str], text: list[str]) -> bool:
    return any(text[at : at + len(run)] == run for at in range(len(text)))


@pytest.mark.slow
def test_the_command_prints_what_it_finds(warm_banchu: Any, tmp_path: Path) -> None:
    (tmp_path / "shots.txt").write_text(f"Example: {_DOCSTRING}\n")
    (tmp_path / "fine.txt").write_text("Write good code.\n")

    def banchu(*arguments: str) -> Any:
        return warm_banchu.run([*arguments], tmp_path, {**os.environ, "COLUMNS": "120"})

    done = banchu("tasks", "humaneval", "--overlap", "shots.txt")
    assert done.returncode == 0
    assert "HumanEval/0" in done.stdout
    assert "warning: shots.txt overlaps 1 of the 164 tasks" in done.stdout.replace("\n", " ")
    (row,) = json.loads(banchu("tasks", "humaneval", "--overlap", "shots.txt", "--json").stdout)
    assert (row["task_id"], row["part"]) == ("HumanEval/0", "public")
    fine = banchu("tasks", "humaneval", "--overlap", "fine.txt")
    assert (fine.returncode, "warning" in fine.stdout) == (0, False)
    one = banchu("tasks", "humaneval/1", "--overlap", "shots.txt")
    assert "warning" not in one.stdout
    missing = banchu("tasks", "humaneval", "--overlap", "none.txt")
    assert missing.returncode == 3
    assert "none.txt" in missing.stderr
