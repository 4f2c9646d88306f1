from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.making import entry, query

from banchu.core.errors import DataError
from banchu.memory.bm25 import term, weight
from banchu.memory.fusion import reciprocal
from banchu.memory.shelf import Facts, Shelf
from banchu.memory.words import BUDGET, rare, words


def test_identifiers_come_apart() -> None:
    assert words("has_close_elements(maxValue2)") == ["has", "close", "elements", "max", "value2"]
    assert words("HTTPServer x=1.5") == ["httpserver", "x", "1", "5"]


@given(st.text())
def test_a_word_is_ascii_letters_and_digits_and_nothing_splits_it(text: str) -> None:
    for word in words(text):
        assert word.isascii()
        assert word.isalnum()
        assert len(word) <= 64


def test_words_of_any_script_are_told_apart() -> None:
    assert words("경계 조건") == ["x" + w.encode().hex() for w in ("경계", "조건")]


def test_rare_words_first_and_one_at_least() -> None:
    assert rare({"the": 900, "prime": 3, "of": 800, "gone": 0}) == ["prime", "of"]
    assert rare({"the": 10 * BUDGET}) == ["the"]
    assert rare({}) == []
    assert rare({"a": 2, "b": 2}, budget=4) == ["a", "b"]


def test_reciprocal_ranks_by_hand() -> None:
    assert reciprocal([7, 8], [8]) == {7: 1 / 61, 8: pytest.approx(1 / 62 + 1 / 61)}


def test_bm25_by_hand() -> None:
    """Three entries of 4 words, one of which holds the word twice."""
    assert weight(3, 1) == pytest.approx(0.5108256)
    assert weight(3, 2) == 1e-6
    assert term(1.0, 2, 4, 4.0) == pytest.approx(2 * 2.2 / 3.2)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(0, 45))
def test_nearest_is_a_plain_sort(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (n, 3)).astype(np.float32)  # few values, so that many are equal
    shelf = Shelf(3, 1)
    for start in range(0, n, 7):
        numbers = range(start * 10, min(n, start + 7) * 10, 10)
        facts = [Facts(f"t{number % 30}", "train", "", False, False, 0) for number in numbers]
        shelf.add(list(numbers), facts, vectors[start : start + 7])
    asked = query(task="t0")
    vector = np.asarray([1, 2, -1], dtype=np.float32)
    expected = sorted(
        ((-float(row @ vector), 10 * at) for at, row in enumerate(vectors) if 10 * at % 30),
    )[:k]
    assert shelf.nearest(asked, vector, k) == tuple((number, -score) for score, number in expected)
    picked = random.Random(seed).sample(range(10 * n), min(5, 10 * n))
    found = shelf.similarities(picked, vector)
    assert found == {number: float(vectors[number // 10] @ vector) for number in picked if number % 10 == 0}


def test_a_row_of_another_width_is_refused() -> None:
    shelf = Shelf(3)
    with pytest.raises(DataError, match="2 and 3 wide"):
        shelf.add([1], [Facts.of(entry())], np.zeros((1, 2), dtype=np.float32))
    assert len(shelf) == 0
    assert shelf.last == -1
