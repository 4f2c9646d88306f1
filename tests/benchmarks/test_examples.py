from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.benchmarks.examples import prompt_examples


def shown(*lines: str) -> tuple[str, ...]:
    text = "\n    ".join(lines)
    return prompt_examples(f"def f(x):\n    '''{text}\n    '''\n", "f")


@pytest.mark.parametrize(
    ("line", "example"),
    [
        ("f(3) == 12", "assert f(3) == 12"),
        ("f(3) = 12", "assert f(3) == 12"),
        ("f(3) => 12", "assert f(3) == 12"),
        ("f(3)==>12", "assert f(3) == 12"),
        ("f(3) -> [1, 2]  # since", "assert f(3) == [1, 2]"),
        ("f(3) ➞ True", "assert f(3) == True"),
        ("f(3) => true", "assert f(3) == True"),
        ("f(3) returns 'a'", "assert f(3) == 'a'"),
        ("f(3) should return 16.", "assert f(3) == 16.0"),
        ("f(3) should be equal to (0, 1)", "assert f(3) == (0, 1)"),
        ("f(3)   # returns 'db'", "assert f(3) == 'db'"),
        ("for f(3) == 2.5 since it is so", "assert f(3) == 2.5"),
        (">>> f(3) == 12", "assert f(3) == 12"),
    ],
)
def test_an_example_in_words(line: str, example: str) -> None:
    assert shown("Text.", line) == (example,)


@pytest.mark.parametrize(
    "line",
    [
        "f(3) == 1 + 9 + 0 = 10",
        "f(3) -> 19 - 5 = 14",
        "f(n) == 12",
        "f(3) is twelve",
        "f(3) > 2",
        "f(3) == f(2)",
        "f(3)",
        "f(3) == [1, 2",
    ],
)
def test_what_is_no_example(line: str) -> None:
    assert shown("Text.", line) == ()


def test_doctests_come_first_and_nothing_is_there_twice() -> None:
    assert shown("f(1) == 1", ">>> f(2)", "2", "f(2) => 2") == ("assert f(2) == 2", "assert f(1) == 1")


@given(st.text(st.characters(codec="ascii", exclude_characters="\\\0\r'")))
def test_any_docstring_is_taken(text: str) -> None:
    shown(text)
