"""Rows with a finite set of answers: a multiple choice, written as a function without arguments that returns one.

`answers` lists all of them in the order in which they are shown, and `answer` is the right one. The task is a `prompt`,
or a `question` from which a prompt is written. Rows of CommonsenseQA and ARC are read as they are published: `id`,
`question`, `choices` with labels and texts, and `answerKey`; the labels are the answers.

All answers are public, and which of them is right is sealed. There is no use in hiding the order of the options.

Sources: Talmor et al. 2019, CommonsenseQA (arXiv:1811.00937); Clark et al. 2018, ARC (arXiv:1803.05457).
"""

from __future__ import annotations

import ast
import math
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from banchu.core.errors import DataError

ENTRY_POINT: Final = "answer"
"""The function that a question asks for, where its row names none."""
_OTHER_TESTS: Final = ("test", "inputs", "expected", "canonical_solution")


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """One row, turned into HumanEval's format."""

    row: dict[str, Any]
    """With prompt, entry_point and test."""
    answers: tuple[str, ...]
    """As Python literals, in the order of the row."""
    right: str
    """The literal of the right one; it goes into the sealed half and nowhere else."""

    def reference(self, entry_point: str) -> str:
        """A whole program that is right."""
        return f"def {entry_point}():\n    return {self.right}\n"


def choice_of(row: dict[str, Any], where: str) -> ChoiceRow | None:
    """The row as a task with finitely many answers; None where it is none. `where` begins errors. Raises DataError."""
    options: list[str] = []
    if "answers" not in row and not any(field in row for field in _OTHER_TESTS):
        row, options = _unpublished(row, where)
    if "answers" not in row:
        return None
    if clash := [field for field in _OTHER_TESTS if field in row]:
        raise DataError(
            f"{where}: fields 'answers' and {clash[0]!r} are both there; with 'answers' the test is made from "
            f"'answer', so leave {clash[0]!r} out"
        )
    answers = _answers(row["answers"], where)
    right = _right(row, answers, where)
    row = {"entry_point": ENTRY_POINT, **row} if "question" in row else dict(row)
    if "prompt" not in row and "question" in row:
        row["prompt"] = _prompt(_question(row["question"], where), row["entry_point"], answers, options)
    row["test"] = f"def check(candidate):\n    assert candidate() == {right!r}\n"
    return ChoiceRow(row, tuple(map(repr, answers)), repr(right))


def must_take_nothing(context: ast.Module, entry_point: str, where: str) -> None:
    """Raises DataError where the prompt's function cannot be called without arguments."""
    for node in context.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point:
            a = node.args
            needed = len(a.posonlyargs) + len(a.args) - len(a.defaults) + a.kw_defaults.count(None)
            if needed:
                raise DataError(
                    f"{where}: field 'prompt' defines {entry_point}({ast.unparse(a)}), and a task with 'answers' is "
                    f"called without arguments; write `def {entry_point}():`, with the question in its docstring"
                )


def finite(value: object) -> bool:
    """Whether a JSON value holds neither NaN nor an infinity, which Python has no literal for."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _answers(answers: Any, where: str) -> list[Any]:
    if not isinstance(answers, list):
        raise DataError(f"{where}: field 'answers' is {type(answers).__name__}; it must be a list of all answers")
    if len(answers) < 2:
        raise DataError(f"{where}: field 'answers' holds {len(answers)}; a choice needs at least 2 answers")
    if not finite(answers):
        raise DataError(f"{where}: field 'answers' holds NaN or an infinity; write such an answer as a string")
    for number, answer in enumerate(answers):
        # As the test compares: 1, 1.0 and true are one answer.
        if (first := answers.index(answer)) != number:
            raise DataError(
                f"{where}: answers[{first}] {_short(answers[first])} and answers[{number}] {_short(answer)} are equal "
                f"in Python; each answer must be there once"
            )
    return answers


def _right(row: dict[str, Any], answers: list[Any], where: str) -> Any:
    if "answer" not in row:
        raise DataError(f"{where}: field 'answer' is missing; it must be the right one of 'answers'")
    answer = row["answer"]
    if answer not in answers:
        among = ", ".join(map(_short, answers[:8])) + (", ..." if len(answers) > 8 else "")
        raise DataError(f"{where}: field 'answer' is {_short(answer)}; it must be one of 'answers': {among}")
    return answers[answers.index(answer)]


def _unpublished(row: dict[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """A row of CommonsenseQA or ARC with `answers` and `answer`, and the texts of its options. Any other as it is."""
    asked = row.get("question")
    inner = asked if isinstance(asked, dict) else row
    if "choices" not in inner:
        return row, []
    labels, texts = _options(inner["choices"], where)
    key = row.get("answerKey")
    if key not in labels:
        said = f"is {_short(key)}" if "answerKey" in row else "is missing"
        raise DataError(
            f"{where}: field 'answerKey' {said}; it must be one of the labels {', '.join(map(repr, labels))}. "
            f"Test splits are often published without it: take another split"
        )
    task_id = row.get("task_id", row.get("id"))
    found = {"question": inner.get("stem") if inner is asked else asked, "answers": labels, "answer": key}
    return {**row, **found, **({} if task_id is None else {"task_id": task_id})}, texts


def _options(choices: Any, where: str) -> tuple[list[str], list[str]]:
    """(labels, texts): of {"label": [...], "text": [...]}, or of a list of {"label": ..., "text": ...}."""
    fields = ("label", "text")
    if isinstance(choices, list):
        pairs: list[list[Any]] = [
            [each.get(field) if isinstance(each, dict) else None for field in fields] for each in choices
        ]
    elif isinstance(choices, dict) and all(isinstance(choices.get(field), list) for field in fields):
        pairs = [list(pair) for pair in zip_longest(*(choices[field] for field in fields))]
    else:
        pairs = [[None, None]]
    if any(not isinstance(part, str) for pair in pairs for part in pair):
        raise DataError(
            f"{where}: field 'choices' has no 'label' and 'text', both strings, for each choice; give them, or write "
            f"'answers' (a list of all answers) and 'answer' (the right one) instead"
        )
    return [label for label, _ in pairs], [text for _, text in pairs]


def _question(question: Any, where: str) -> str:
    if not isinstance(question, str) or not question.strip():
        found = type(question).__name__ if not isinstance(question, str) else "empty"
        raise DataError(f"{where}: field 'question' is {found}; it must be the text of the question")
    return question


def _prompt(question: str, entry_point: str, answers: list[Any], options: list[str]) -> str:
    """The head of a function that takes nothing, with question, options and answers in its docstring."""
    shown = [f"{label}: {text}" for label, text in zip(answers, options, strict=True)] if options else []
    # Few words: common to all tasks, more of them would look like pieces of a benchmark to `overlaps`.
    end = f"Return one of {', '.join(map(repr, answers))}."
    parts = ["\n".join(map(_plain, part)) for part in ([question], shown, [end]) if part]
    body = "\n".join(f"    {line}" if line else "" for line in _escaped("\n\n".join(parts)).split("\n"))
    kinds = {type(answer) for answer in answers}
    returns = f" -> {kinds.pop().__name__}" if len(kinds) == 1 and kinds <= {str, bool, int, float} else ""
    return f'def {entry_point}(){returns}:\n    """{body.lstrip()}\n    """\n'


def _plain(text: str) -> str:
    """With spaces for every other white space within a line."""
    lines = text.strip().replace("\r\n", "\n").split("\n")
    return "\n".join("".join(" " if c.isspace() else c for c in line).rstrip() for line in lines)


def _escaped(text: str) -> str:
    """As it stands between triple quotes, from where it reads back as it was."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "".join(repr(c)[1:-1] if c != "\n" and unicodedata.category(c) in ("Cc", "Cs") else c for c in escaped)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
