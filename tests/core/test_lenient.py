"""JSON as models write it: what JSON takes is read as JSON reads it, what models write is read, and all else is
refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.lenient import Unreadable, read_value, read_whole

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BITS = st.lists(
    st.sampled_from(
        [*"{}[]:,\"'\\`#/*\n ", '"""', "//", "/*", "a", "1", "-", ".", "e", "\\u00", "\\ud83d", "\\ude00", "True"]
    )
).map("".join)


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_as_json_reads_it(value: Any, ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii, indent=indent)
    assert read_whole(text) == json.loads(text)
    assert read_value(f"  {text} and prose")[0] == value


@given(BITS)
def test_any_text_is_read_or_refused_and_valid_json_as_it_is(text: str) -> None:
    try:
        expected: Any = json.loads(text)
    except ValueError:
        expected = Ellipsis
    try:
        found = read_whole(text)
    except Unreadable:
        found = Ellipsis
    assert expected in (found, Ellipsis)


@given(st.text(max_size=40) | st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_what_python_writes_is_read_too(value: Any) -> None:
    text = repr(value)
    if "\\x" in text or "\\U" in text or "inf" in text or "\\a" in text:
        return  # escapes of Python's own are kept as they stand
    assert read_whole(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1,}', {"a": 1}),
        ("[1, 2,]", [1, 2]),
        ("{'a': 'it is'}", {"a": "it is"}),
        ("{'a': 'it\\'s'}", {"a": "it's"}),
        ("{a: True, b_c: None, d: false}", {"a": True, "b_c": None, "d": False}),
        ('{"code": "def f():\n    return 1"}', {"code": "def f():\n    return 1"}),
        ('{"code": """print("hi")\nx = ""\n"""}', {"code": 'print("hi")\nx = ""\n'}),
        ('{"pattern": "\\d+\\."}', {"pattern": "\\d+\\."}),
        ('{"a": {"b": [1, {"c": 2', {"a": {"b": [1, {"c": 2}]}}),
        ('{"a": 1, // why\n "b": 2} ', {"a": 1, "b": 2}),
        ("{}", {}),
        ("{", {}),
        ("+3", 3),
        (".5", 0.5),
    ],
)
def test_what_models_do_to_json(text: str, value: Any) -> None:
    assert read_whole(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the text ends where a value was expected"),
        ('{"a": "never', "a string does not end"),
        ('{"a" 1}', "a colon was expected behind 'a', at line 1, column 6"),
        ('{"a": 1 "b": 2}', "a comma or '}' was expected"),
        ("{1: 2}", "a name was expected"),
        ('{"a": }', "a value was expected"),
        ('{"a": __import__("os")}', "a value was expected"),
        ('{"a": 1 + 1}', "a comma or '}' was expected"),
        ("{} {}", "more text behind the value"),
        ("[" * 100, "nested deeper than 64"),
        ("9" * 401, "more than 400 digits"),
        ("1e999", "too large"),
        ("NaN", "a value was expected"),
        ("/* never closed", "a value was expected"),
    ],
)
def test_what_is_no_value_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why.replace("+", r"\+")):
        read_whole(text)


def test_whoever_wants_all_brackets_closed_gets_that() -> None:
    assert read_value('{"a": [1]} tail', complete=True) == ({"a": [1]}, 10)
    with pytest.raises(Unreadable, match="a ']' is missing"):
        read_value('{"a": [1', complete=True)


@pytest.mark.parametrize(
    "text", ["[" * 10**6, '{"a":' * 10**6, '"' * 10**6, "/*" * 10**6, '"\\' * 10**6, "9" * 10**6, "[1," * 10**6]
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(Unreadable):
        read_whole(text)
    assert time.process_time() - begun < 3
