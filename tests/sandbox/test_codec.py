from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.sandbox.wire.codec import (
    MAX_DEPTH,
    MAX_DRAINED,
    MAX_NODES,
    TooLarge,
    Unreadable,
    decode,
    dumps,
    encode,
    loads,
)
from banchu.sandbox.wire.opaque import Opaque

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
KEYS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(1000, 20_000).map(lambda bits: 3 - (1 << bits))
    | st.floats(allow_nan=False)
    | ANY_TEXT
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.builds(Fraction, st.integers(), st.integers(1)),
    lambda keys: st.lists(keys, max_size=4).map(tuple) | st.frozensets(keys, max_size=4),
    max_leaves=8,
)
VALUES = st.recursive(
    KEYS
    | st.binary().map(bytearray)
    | st.builds(range, st.integers(), st.integers(), st.integers(1))
    | st.decimals(allow_nan=False),
    lambda values: (
        st.lists(values)
        | st.lists(values).map(tuple)
        | st.lists(values).map(deque)
        | st.dictionaries(KEYS, values)
        | st.sets(KEYS)
    ),
    max_leaves=20,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda data: st.lists(data) | st.dictionaries(st.sampled_from("itsfdbBcrqkvmDFI?x"), data, max_size=2),
    max_leaves=20,
)


def over(value: object) -> Any:
    return decode(loads(dumps(encode(value))))


@given(VALUES)
def test_a_value_comes_over_equal_and_of_the_same_types(value: object) -> None:
    came = over(value)
    assert came == value
    assert _shape(came) == _shape(value)


def _shape(value: Any) -> Any:
    """Types all the way down; sets and dict orders as they come."""
    if isinstance(value, dict):
        return type(value), [(_shape(k), _shape(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple, deque)):
        return type(value), [_shape(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(repr(_shape(v)) for v in value)
    return type(value), math.copysign(1, value) if isinstance(value, float) else None


@given(st.binary())
def test_hostile_bytes_are_refused_or_are_a_value(data: bytes) -> None:
    try:
        decode(loads(data))
    except Unreadable:
        return


@given(JSON)
def test_hostile_json_is_refused_or_is_a_value(data: Any) -> None:
    try:
        decode(loads(dumps(data)))
    except Unreadable:
        return


def test_nan_comes_over() -> None:
    assert math.isnan(over(float("nan")))
    assert over(Decimal("NaN")).is_nan()


@pytest.mark.parametrize(
    "data",
    [
        b'{"i":"0x' + b"z" * 9 + b'"}',
        b'{"t":1}',
        b'{"t":[],"s":[]}',
        b"{}",
        b'{"s":[[]]}',
        b'{"d":[1]}',
        b'{"F":[1,0]}',
        b'{"r":[1,2,0]}',
        b'{"r":[1.5,2,3]}',
        b'{"c":[1]}',
        b'{"D":"x"}',
        b'{"b":"0"}',
        b"1" * 5000,
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b"\xff",
        b"",
    ],
)
def test_what_is_no_value_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(loads(data))


@pytest.mark.parametrize(
    ("part", "times"),
    [
        (b"1,", MAX_NODES),
        (b"[" + b"1," * 999 + b"1],", MAX_NODES // 1000),  # only all lists together are too many
        pytest.param(b"[[[]]],", 700_000, marks=pytest.mark.slow),
    ],
    ids=["in one list", "in many", "in deep ones"],
)
def test_too_many_values_are_too_large(part: bytes, times: int) -> None:
    with pytest.raises(TooLarge):
        decode(loads(b"[" + part * times + b"1]"))


class AlwaysEqual:
    def __eq__(self, _: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class EqualList(list[int]):
    def __eq__(self, _: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter([9, 9])

    __hash__ = None


def test_an_object_that_equals_everything_equals_nothing_over_there() -> None:
    came = over([AlwaysEqual(), EqualList([1])])
    assert came[0] not in (4, "4", None, [])
    assert isinstance(came[0], Opaque)
    assert came[1] == [1]
    assert type(came[1]) is list


def test_a_value_that_holds_itself_or_never_ends_comes_over_cut() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert over(loop) != loop
    assert isinstance(over(iter(range(MAX_DRAINED + 1))), Opaque)
    assert list(over(iter([1, 2]))) == [1, 2]
