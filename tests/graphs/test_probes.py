"""Calls to try programs on: every property for any literals, and a few by hand."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.graphs.probes import probe_calls

NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=12)
LITERALS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.sets(st.integers(), min_size=1, max_size=3)
    ),
    max_leaves=6,
)
CALLS = st.lists(LITERALS, min_size=1, max_size=3).map(lambda values: f"f({', '.join(map(repr, values))})")


def arguments(call: str) -> list[Any]:
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    return [ast.literal_eval(argument) for argument in node.args]


def fits(new: Any, old: Any) -> bool:
    """Of the same types all the way down, as far as there is anything in it."""
    if type(new) is not type(old):
        return False
    if isinstance(old, list | tuple | set):
        return all(any(fits(a, b) for b in old) for a in new)
    if isinstance(old, dict):
        return all(any(fits(k, j) and fits(v, w) for j, w in old.items()) for k, v in new.items())
    return True


@settings(deadline=None, max_examples=60)
@given(st.lists(CALLS, max_size=4), st.integers(0, 20))
def test_probes_are_the_shown_calls_and_then_variants_of_the_same_types(calls: list[str], limit: int) -> None:
    probes = probe_calls([f"assert {call} == 0" for call in calls], "f", limit)
    shown = list(dict.fromkeys(ast.unparse(ast.parse(call)) for call in calls))
    assert len(probes) <= limit
    assert len(set(probes)) == len(probes)
    assert list(probes[: len(shown)]) == shown[:limit]
    known = [arguments(call) for call in shown]
    for probe in probes[len(shown) :]:
        given = arguments(probe)
        assert any(
            len(given) == len(old)
            and sum(repr(a) != repr(b) for a, b in zip(given, old, strict=True)) == 1
            and all(fits(a, b) for a, b in zip(given, old, strict=True))
            for old in known
        )


@settings(deadline=None, max_examples=60)
@given(st.lists(CALLS, min_size=1, max_size=3))
def test_a_longer_list_begins_with_the_shorter_one(calls: list[str]) -> None:
    examples = [f"assert {call} == 0" for call in calls]
    assert probe_calls(examples, "f", 20)[:7] == probe_calls(examples, "f", 7)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 100), st.text("abc", min_size=2, max_size=5))
def test_the_calls_take_turns(number: int, text: str) -> None:
    probes = probe_calls([f"assert f({number}) == 0", f"assert f({text!r}) == 0"], "f", 6)
    assert [type(arguments(probe)[0]) for probe in probes] == [int, str] * 3


def variants(literal: str) -> set[str]:
    return set(probe_calls([f"assert f({literal}) == 0"], "f", 1000)) - {f"f({literal})"}


def test_each_type_has_its_variants() -> None:
    assert variants("7") == {"f(8)", "f(6)", "f(0)", "f(-7)", "f(100)"}
    assert variants("-30") == {"f(-29)", "f(-31)", "f(0)", "f(30)", "f(300)"}
    assert variants("2.5") == {"f(3.5)", "f(1.5)", "f(0.0)", "f(-2.5)", "f(100.0)"}
    assert variants("'ab'") >= {"f('')", "f('abab')", "f('ba')"}
    assert len(variants("'ab'")) == 4
    assert variants("[5, 6]") >= {"f([])", "f([6])", "f([5])", "f([5, 5, 6])", "f([6, 5])", "f([0, 6])", "f([5, 0])"}
    assert "f((1, 'bb'))" in variants("(1, 'b')")
    assert variants("{'a': [1]}") >= {"f({})", "f({'a': []})", "f({'b': [1]})", "f({'a': [2]})"}
    assert "f({1, 3})" in variants("{1, 2}")
    assert "f(set())" not in variants("{1, 2}")
    for fixed in ("None", "True", "[]", "''", "1j"):
        assert variants(fixed) == set()


def test_what_asks_for_more_work_stands_last() -> None:
    assert probe_calls(["assert f(7) == 0"], "f", 20)[-1] == "f(100)"


def test_keywords_are_varied_and_calls_without_literals_are_kept() -> None:
    assert "f(1, k=3)" in probe_calls(["assert f(1, k=2)"], "f", 20)
    for call in ("f(g(1))", "f(*[1, 2])", "f(**{'k': 1})", "f(x)", "f()", "f([1] * 3)"):
        assert probe_calls([f"assert {call} == 1"], "f") == (call,)
    assert probe_calls(["assert f(f(3)) == 1"], "f")[:3] == ("f(f(3))", "f(3)", "f(4)")
    assert probe_calls([], "f") == ()
    assert probe_calls(["assert g(1) == 1"], "f") == ()


def test_a_long_call_is_not_varied() -> None:
    call = f"f({list(range(900))})"
    assert probe_calls([f"assert {call}"], "f") == (call,)


PRINTS = """
from banchu.graphs.probes import probe_calls
print(*probe_calls(["assert f({'b', 'a'}, [1.5, -2], 'x1') == 0", "assert f('')"], "f", 9), sep="\\n")
"""
PROBES = """
f({'b', 'a'}, [1.5, -2], 'x1')
f('')
f({'c', 'a'}, [1.5, -2], 'x1')
f({'b', 'a'}, [1.5, -2], 'x1x1')
f({'b', 'a'}, [1.5, -2], '1x')
f({'b', 'a'}, [-2], 'x1')
f({'a'}, [1.5, -2], 'x1')
f({'b', 'a'}, [1.5], 'x1')
f({'b', 'a'}, [1.5, -3], 'x1')
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_order_is_the_same_in_every_process_and_version_of_python(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINTS], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == PROBES.split("\n")[1:]
