from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.calls import literal, written_calls

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("f(3) ==> 12, and f( [1,2] ) is 3", ["f(3)", "f([1, 2])"]),
        ("def f(x): return f(x - 1)", []),
        ("g.f(1), of(2), f2(3)", []),
        ("f('a)b', ')') and f(", ["f('a)b', ')')"]),
        ("f([\n  1,\n  2])", ["f([1, 2])"]),
        ("f(' a   b')", ["f(' a   b')"]),
        ("f(x=1) f(*[1]) f(**{}) f()", ["f(x=1)", "f()"]),
        ("f((1, 2), -3.5)", ["f((1, 2), -3.5)"]),
    ],
)
def test_calls_with_literal_arguments_are_found(text: str, calls: list[str]) -> None:
    assert [call.text for call in written_calls(text, "f")] == calls


@given(st.lists(VALUES, max_size=3), st.text(max_size=20), st.text(max_size=20))
def test_what_is_written_is_read(arguments: list[object], before: str, after: str) -> None:
    call = f"f({', '.join(map(repr, arguments))})"
    text = f"{before.replace('f', '')}\n{call}{after.replace('f', '')}"
    (found,) = written_calls(text, "f")
    read = ast.parse(found.text, mode="eval").body
    assert isinstance(read, ast.Call)
    assert [ast.literal_eval(argument) for argument in read.args] == arguments
    assert text[: found.end].endswith(call)


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert all(call.text.startswith("f(") for call in written_calls(text, "f"))
    literal(text)
