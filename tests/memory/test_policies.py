from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.memory.making import any_entry, any_query, entry, query
from tests.memory.test_wall import wall

from banchu.core.errors import ConfigError
from banchu.memory import Entry, Hit, Query, Recall
from banchu.memory.controls import blanked, shuffled
from banchu.memory.policies import decayed, window

ENTRIES = [entry(f"lesson {i}", f"train/{i}", order=i) for i in range(20)]


@given(st.lists(any_entry(), max_size=9), any_query())
@settings(max_examples=50)
def test_a_window_is_the_tail_of_what_may_be_seen(entries: Sequence[Entry], asked: Query) -> None:
    hits = window(entries, asked).hits
    allowed = sorted(each.order for each in entries if wall(asked, each))
    assert [hit.entry.order for hit in hits] == allowed[max(0, len(allowed) - asked.k) :]


@given(st.permutations(ENTRIES))
def test_no_policy_depends_on_the_order_in_which_a_store_lists(entries: Sequence[Entry]) -> None:
    asked = query(k=3)
    assert window(entries, asked).texts == ("lesson 17", "lesson 18", "lesson 19")
    assert shuffled(entries, asked, seed=1) == shuffled(ENTRIES, asked, seed=1)


@given(st.lists(any_entry(), max_size=9), any_query(), st.integers())
@settings(max_examples=50)
def test_shuffled_lessons_keep_the_wall(entries: Sequence[Entry], asked: Query, seed: int) -> None:
    if asked.same_task:
        with pytest.raises(ConfigError, match="another task's"):
            shuffled(entries, asked, seed=seed)
        return
    found = shuffled(entries, asked, seed=seed)
    allowed = {each for each in entries if wall(asked, each)}
    assert {hit.entry for hit in found.hits} <= allowed
    assert len(found.hits) == min(asked.k, len([each for each in entries if wall(asked, each)]))


def test_shuffled_lessons_are_others_than_those_they_stand_for_and_as_many() -> None:
    asked = query(k=9)
    shown = Recall(asked, tuple(Hit(each, 1.0) for each in ENTRIES[:4]))
    drawn = [shuffled(ENTRIES, asked, seed=seed, instead_of=shown).texts for seed in range(50)]
    assert {len(texts) for texts in drawn} == {4}
    assert not set(shown.texts) & {text for texts in drawn for text in texts}
    assert {text for texts in drawn for text in texts} == {each.text for each in ENTRIES[4:]}
    assert drawn[0] != shuffled(ENTRIES, replace(asked, task="test/2"), seed=0, instead_of=shown).texts


@given(st.lists(st.text()))
def test_blank_texts_have_the_length_and_nothing_else(texts: list[str]) -> None:
    blank = blanked(texts)
    assert [len(text) for text in blank] == [len(text) for text in texts]
    assert all(mark == "." or mark.isspace() for text in blank for mark in text)
    assert [text.split() == [] for text in blank] == [text.split() == [] for text in texts]


def test_age_halves_a_score() -> None:
    asked = query(k=9)
    old, young = replace(ENTRIES[0], order=0), replace(ENTRIES[1], order=8)
    recall = Recall(asked, (Hit(old, 0.4), Hit(young, 0.1)))
    aged = decayed(recall, now=10, half_life=5, k=2)
    assert [(hit.entry.order, hit.score) for hit in aged.hits] == [(0, 0.1), (8, pytest.approx(0.1 * 0.5**0.4))]
    assert [hit.entry.order for hit in decayed(recall, now=10, half_life=2, k=1).hits] == [8]
    assert decayed(recall, now=0, half_life=2, k=1).hits[0].score == 0.4
    with pytest.raises(ConfigError, match="half-life 0"):
        decayed(recall, now=10, half_life=0, k=1)
