"""Canonical texts: equal for equal values and for no others, whatever a value says of itself."""

from __future__ import annotations

import collections
import datetime
import enum
import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banchu.experiments.incell.canonical import MAX_TEXT, canonical

HASHABLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary()
VALUES = st.recursive(
    HASHABLE | st.fractions() | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, set | frozenset):
        return len(a) == len(b) and all(any(same(x, y) for y in b) for x in a)
    if isinstance(a, dict):
        return len(a) == len(b) and all(any(same(k, j) and same(v, w) for j, w in b.items()) for k, v in a.items())
    return repr(a) == repr(b)


def shuffled(value: Any) -> Any:
    """Built anew, sets and dicts in another order."""
    if isinstance(value, list | tuple):
        return type(value)(map(shuffled, value))
    if isinstance(value, dict):
        items = [(key, shuffled(inner)) for key, inner in value.items()]
        random.shuffle(items)
        return dict(items)
    if isinstance(value, set | frozenset):
        items = list(value)
        random.shuffle(items)
        return type(value)(items)
    return value


@settings(deadline=None, max_examples=200)
@given(VALUES, VALUES)
def test_equal_texts_mean_equal_values(a: Any, b: Any) -> None:
    assert (canonical(a) == canonical(b)) == same(a, b)


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_the_order_of_sets_and_dicts_does_not_matter(value: Any) -> None:
    text = canonical(value)
    assert canonical(shuffled(value)) == text
    assert len(text) <= MAX_TEXT
    assert text == " ".join(text.splitlines())


def test_types_can_be_seen() -> None:
    values = [
        0,
        0.0,
        -0.0,
        False,
        "0",
        b"0",
        0j,
        None,
        "None",
        [],
        (),
        {},
        set(),
        frozenset(),
        "",
        range(0),
        bytearray(),
    ]
    values += [[0], (0,), {0}, {0: 0}, iter([0]), collections.deque([0]), {0: 0}.keys(), Decimal(0), Fraction(0), int]
    assert len({canonical(value) for value in values}) == len(values)


def test_long_values_differ_where_they_are_cut() -> None:
    for make in (
        lambda n: "x" * 5000 + n,
        lambda n: [*list(range(5000)), n],
        lambda n: {"k": {i: n for i in range(999)}},
    ):
        texts = {canonical(make(n)) for n in ("a", "b")}
        assert len(texts) == 2
        assert all(len(text) <= MAX_TEXT for text in texts)
    assert canonical(10**5000) != canonical(10**5000 + 1)
    assert canonical("0x7f3a5c2b1d90") != canonical("0x7f3a5c2b1d91")
    assert canonical("< at 0x, 0x7f3a5c2b1d90>") != canonical("< at 0x, 0x7f3a5c2b1d91>")
    assert canonical([10**5000]) != canonical([10**5000 + 1])


class Lies:
    def __init__(self, x: int) -> None:
        self.x = x

    def __repr__(self) -> str:
        return "42"

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return int


class LyingList(list[int]):
    def __iter__(self) -> Any:
        return iter([1, 2, 3])

    def __len__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return "[1, 2, 3]"


class LyingDict(dict[str, int]):
    def items(self) -> Any:
        return [("a", 1)]


class LyingString(str):
    def __repr__(self) -> str:
        return "'raises'"

    def __str__(self) -> str:
        return "raises"


class Bad(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        return "raises ValueError"


class BadlyNamed(metaclass=Bad):
    pass


class Slotted:
    __slots__ = ("__hidden", "x")

    def __init__(self, x: int) -> None:
        self.x, self.__hidden = x, -x


class Raises:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError


@dataclass
class Point:
    x: int


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Lies(3), "<Lies {'x': 3}>"),
        (LyingList([9]), "LyingList([9])"),
        (LyingDict(b=2), "LyingDict({'b': 2})"),
        (LyingString("x"), "LyingString('x')"),
        (BadlyNamed(), "<BadlyNamed {}>"),
        (type("raises ValueError", (), {})(), "<? {}>"),
        (Point(1), "<Point {'x': 1}>"),
        (Pair(1, [2]), "Pair((1, [2]))"),
        (collections.Counter("aab"), "Counter({'a': 2, 'b': 1})"),
        (collections.defaultdict(list, a=[1]), "defaultdict({'a': [1]})"),
        (ValueError(1, "a"), "<ValueError {'args': (1, 'a')}>"),
        ((n for n in (1, 2)), "<generator [1, 2]>"),
        (map(str, [1]), "<map ['1']>"),
        (datetime.date(2020, 1, 2), "<date datetime.date(2020, 1, 2)>"),
        (len, "<builtin_function_or_method len>"),
        (Point, "<type Point>"),
        ("<T object at 0x7f3a5c2b1d90>", "'<T object at 0x...>'"),
        ({True: 1, "a": {3, 2}}, "{'a': set({2, 3}), True: 1}"),
        (float("nan"), "nan"),
    ],
)
def test_by_hand(value: object, text: str) -> None:
    assert canonical(value) == text


def test_state_counts_where_there_is_any() -> None:
    assert canonical(Slotted(1)) != canonical(Slotted(2))
    assert canonical(Slotted(1)) == canonical(Slotted(1))
    assert canonical(Colour.RED) != canonical(Colour.BLUE)
    assert canonical(Raises()).startswith("<Raises")


@pytest.mark.slow
def test_what_has_no_end_has_a_text() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert canonical(loop) == "[1, <itself>]"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert canonical(deep) == "<list, too large to compare>"
    wide: list[Any] = []
    for _ in range(60):
        wide = [wide, wide]
    assert canonical(wide) == "<list, too large to compare>"

    def forever() -> Any:
        while True:
            yield 1

    assert canonical(forever()).startswith("<generator [1, 1, ")
    while deep:
        deep = deep.pop()
