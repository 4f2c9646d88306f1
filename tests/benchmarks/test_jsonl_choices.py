"""Rows with a finite set of answers: what loads, what stays sealed, and one line of error for what does not load."""

from __future__ import annotations

import ast
import inspect
import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from banchu.benchmarks import BenchmarkTask, SealedScan, load_benchmark
from banchu.benchmarks.jsonl import parse_benchmark
from banchu.core.errors import DataError
from banchu.core.sealed import unseal

OWN = {
    "task_id": "mine/1",
    "prompt": 'def pick():\n    """A, B or C?"""\n',
    "entry_point": "pick",
    "answers": ["A", "B", "C"],
    "answer": "C",
}
ASKED = {"task_id": "mine/1", "question": "Is the Earth flat?", "answers": [True, False], "answer": False}
TEXTS = ["shirt pocket", "calligrapher's hand", "inkwell", "desk drawer", "blotter"]
STEM = "What do people use to absorb extra ink from a fountain pen?"
PUBLISHED = {
    "id": "075e483d21c29a511267ef62bedc0461",
    "question": STEM,
    "question_concept": "ink",
    "choices": {"label": list("ABCDE"), "text": TEXTS},
    "answerKey": "E",
}
ORIGINAL = {
    "id": "075e483d21c29a511267ef62bedc0461",
    "question": {
        "question_concept": "ink",
        "stem": STEM,
        "choices": [{"label": label, "text": text} for label, text in zip("ABCDE", TEXTS, strict=True)],
    },
    "answerKey": "E",
}


def load(*rows: dict[str, Any]) -> list[BenchmarkTask]:
    data = "\n".join(map(json.dumps, rows)).encode()
    return list(parse_benchmark(data, name="mine", label="mine.jsonl", source="s", licence="l").tasks)


def without(row: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != field}


def test_a_row_of_answers_is_a_task_that_lists_them_and_a_sealed_test_of_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(OWN))
    (pair,) = load_benchmark(str(path)).tasks
    assert pair.task.answers == ("'A'", "'B'", "'C'")
    assert pair.task.prompt == OWN["prompt"]
    suite = unseal(pair.sealed)
    assert suite.check == "def check(candidate):\n    assert candidate() == 'C'\n"
    assert suite.reference == "def pick():\n    return 'C'\n"


def test_a_question_becomes_the_head_of_a_function_that_takes_nothing() -> None:
    (pair,) = load(ASKED)
    assert pair.task.entry_point == "answer"
    assert pair.task.prompt == (
        'def answer() -> bool:\n    """Is the Earth flat?\n\n    Return one of True, False.\n    """\n'
    )
    (named,) = load({**ASKED, "entry_point": "flat", "answers": [False, "of course not"]})
    assert named.task.prompt.startswith("def flat():\n")


@pytest.mark.parametrize("row", [PUBLISHED, ORIGINAL], ids=["as data sets have it", "as its authors have it"])
def test_a_row_of_commonsense_qa_loads_as_it_is_published(row: dict[str, Any]) -> None:
    (pair,) = load(row)
    assert pair.task.id == PUBLISHED["id"]
    assert pair.task.answers == ("'A'", "'B'", "'C'", "'D'", "'E'")
    assert pair.task.prompt == (
        f'def answer() -> str:\n    """{STEM}\n\n    A: shirt pocket\n    B: calligrapher\'s hand\n    C: inkwell\n'
        "    D: desk drawer\n    E: blotter\n\n    Return one of 'A', 'B', 'C', 'D', 'E'.\n    \"\"\"\n"
    )
    assert "candidate() == 'E'" in unseal(pair.sealed).check


@pytest.mark.parametrize("row", [OWN, {**ASKED, "answers": ["A", "B", "C"], "answer": "C"}, PUBLISHED])
def test_which_answer_is_right_changes_nothing_that_is_public(row: dict[str, Any]) -> None:
    field = "answerKey" if "answerKey" in row else "answer"
    tasks = {astuple(load({**row, field: right})[0].task) for right in "ABC"}
    digests = {load({**row, field: right})[0].sealed.digest for right in "ABC"}
    assert (len(tasks), len(digests)) == (1, 3)


@pytest.mark.parametrize("right", list("ABC"))
@pytest.mark.parametrize("question", ["Which?", "What should answer() be? It must be correct:", "'A', 'B', 'C'"])
def test_the_scan_finds_the_sealed_assertion_and_neither_options_nor_answers(question: str, right: str) -> None:
    (pair,) = load({**ASKED, "question": question, "answers": list("ABC"), "answer": right})
    scan = SealedScan(pair.sealed, pair.task)
    assert len(scan) == 1
    assert scan.hits(pair.task.prompt) == 0
    for given_answer in "ABC":
        program = f"def answer():\n    # the correct answer is {given_answer}\n    return '{given_answer}'\n"
        assert scan.hits(f"{pair.task.prompt}\nYour answer:\n{program}\nanswer() returned '{given_answer}'.") == 0
        assert (
            scan.hits(f"Tests failed:\nassert answer() == '{given_answer}' # output: 'B'\n\nWhat should change?") == 0
        )
        told = given_answer == right
        assert (
            scan.hits(f"Failed test: assert answer() == '{given_answer}'\nExpected: '{given_answer}'\nGot: 'B'") == told
        )
        assert scan.hits(f"assert candidate( ) == '{given_answer}', 'x'") == told
        assert scan.hits(f'"{given_answer}" == candidate()') == told


@example(question='A """quote""", a \\ slash, \x00 and \ud800\r\n\tmore"', option='"""')
@given(question=st.text(min_size=1).filter(str.strip), option=st.text(max_size=30))
def test_any_question_reads_back_from_the_docstring(question: str, option: str) -> None:
    choices = {"label": ["A", "B"], "text": [option, "other"]}
    (pair,) = load({**PUBLISHED, "question": question, "choices": choices, "answerKey": "A"})
    (function,) = ast.parse(pair.task.prompt).body
    assert isinstance(function, ast.FunctionDef)
    shown = inspect.cleandoc(ast.get_docstring(function, clean=False) or "")
    assert shown.split() == [
        *question.split(),
        "A:",
        *option.split(),
        "B:",
        "other",
        "Return",
        "one",
        "of",
        "'A',",
        "'B'.",
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**OWN, "answers": "ABC"}, "field 'answers' is str; it must be a list of all answers"),
        ({**OWN, "answers": ["C"]}, "field 'answers' holds 1; a choice needs at least 2"),
        ({**OWN, "answers": ["C", "A", "C"]}, r"answers\[0\] 'C' and answers\[2\] 'C' are equal in Python"),
        (
            {**OWN, "answers": [True, 2, 1.0], "answer": 2},
            r"answers\[0\] True and answers\[2\] 1.0 are equal in Python",
        ),
        (
            {**OWN, "answers": [1.5, float("nan")]},
            "field 'answers' holds NaN or an infinity; write such an answer as a",
        ),
        (without(OWN, "answer"), "field 'answer' is missing; it must be the right one of 'answers'"),
        ({**OWN, "answer": "D"}, "field 'answer' is 'D'; it must be one of 'answers': 'A', 'B', 'C'"),
        ({**OWN, "answer": ["C"]}, r"field 'answer' is \['C'\]; it must be one of"),
        ({**OWN, "test": "def check(candidate): pass"}, "'answers' and 'test' are both there; .* leave 'test' out"),
        ({**OWN, "expected": [1]}, "'answers' and 'expected' are both there"),
        ({**OWN, "canonical_solution": "    return 'C'"}, "'answers' and 'canonical_solution' are both there"),
        (
            {**OWN, "prompt": "def pick(question, a=1):\n"},
            r"defines pick\(question, a=1\), and .*; write `def pick\(\):`",
        ),
        ({**OWN, "prompt": "def pick(*, a=1, b):\n"}, "is called without arguments"),
        (without(OWN, "prompt"), "field 'prompt' is missing; .*or answers and answer"),
        (without(OWN, "entry_point"), "field 'entry_point' is missing"),
        ({**OWN, "entry_point": "class"}, "entry_point 'class' is no Python name"),
        ({**ASKED, "question": " "}, "field 'question' is empty; it must be the text of the question"),
        ({**ASKED, "question": ["?"]}, "field 'question' is list; it must be the text"),
        (without(ASKED, "task_id"), "field 'task_id' is missing"),
        (without(ASKED, "answers"), "field 'prompt' is missing; .*or answers and answer"),
        (
            without(PUBLISHED, "answerKey"),
            "field 'answerKey' is missing; it must be one of the labels 'A', .* another split",
        ),
        ({**PUBLISHED, "answerKey": ""}, "field 'answerKey' is ''; it must be one of the labels"),
        ({**PUBLISHED, "choices": ["pen", "ink"]}, "field 'choices' has no 'label' and 'text', both strings, for each"),
        ({**PUBLISHED, "choices": 7}, "field 'choices' has no 'label' and 'text'"),
        ({**PUBLISHED, "choices": {"label": ["A", "E"], "text": ["pen"]}}, "field 'choices' has no 'label' and 'text'"),
        ({**PUBLISHED, "choices": {"label": ["E"], "text": ["pen"]}}, "field 'answers' holds 1"),
        (
            {**ORIGINAL, "question": {"choices": PUBLISHED["choices"]}},
            "field 'question' is NoneType; it must be the text",
        ),
    ],
)
def test_bad_rows(row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(row)
    assert str(caught.value).startswith("mine.jsonl, line 1")
    assert "\n" not in str(caught.value)


def test_a_prompt_may_take_what_it_has_defaults_for_and_may_be_prose() -> None:
    for prompt in ("def pick(*args, a=1, **more):\n", '"""Write pick(), which gives A, B or C."""\n'):
        (pair,) = load({**OWN, "prompt": prompt})
        assert pair.task.prompt == prompt


def test_what_has_a_test_is_no_choice_whatever_else_it_holds() -> None:
    row = {**without(without(OWN, "answers"), "answer"), "test": "def check(candidate):\n    assert candidate() == 1\n"}
    (pair,) = load({**row, "question": 3, "choices": ["x"]})
    assert pair.task.answers == ()
