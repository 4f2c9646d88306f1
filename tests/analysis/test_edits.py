from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.analysis.edits import REWRITTEN_BELOW, arm_edits, similarity
from banchu.core import EpisodeRecord

Make = Callable[..., EpisodeRecord]


def with_codes(episode: EpisodeRecord, codes: list[str | None]) -> EpisodeRecord:
    pairs = zip(episode.attempts, codes, strict=True)
    return replace(episode, attempts=tuple(replace(j, attempt=replace(j.attempt, code=code)) for j, code in pairs))


def insertions_and_deletions(a: str, b: str) -> int:
    """The textbook table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row, above = [i], row
        for j, y in enumerate(b, start=1):
            row.append(above[j - 1] if x == y else 1 + min(above[j], row[-1]))
    return row[-1]


@given(a=st.text("abc 가\n", max_size=90), b=st.text("abc 가\n", max_size=90))
def test_similarity_is_the_edit_distance_over_both_lengths(a: str, b: str) -> None:
    wanted = 1 - insertions_and_deletions(a, b) / len(a + b) if a + b else 1.0
    assert similarity(a, b) == pytest.approx(wanted)
    assert similarity(a, b) == similarity(b, a)
    assert (similarity(a, b) == 1) == (a == b)


def test_the_pairs_of_an_arm_by_what_became_of_the_answer(episode: Make) -> None:
    made = [
        with_codes(episode("1", "intrinsic", "x.x"), ["abcd", "abcd", "wxyz"]),
        with_codes(episode("2", "intrinsic", "..-"), ["abcd", "abcz", None]),
        with_codes(episode("3", "intrinsic", ".?"), ["abcd", "abcd"]),
        with_codes(episode("4", "none", "xx"), ["a", "b"]),
        with_codes(episode("5", "intrinsic", "x"), ["a"]),
    ]
    found = arm_edits("intrinsic", reversed(made))
    assert (found.all.pairs, found.all.unchanged, found.all.rewritten) == (4, 2, 1)
    assert found.all.median == pytest.approx((1 + 0.75) / 2)
    assert (found.all.unchanged_share, found.all.rewritten_share) == (0.5, 0.25)
    assert found.without_program == found.unjudged == 1
    assert {flip: edits.pairs for flip, edits in found.by_flip.items()} == {"c→c": 0, "c→i": 1, "i→c": 1, "i→i": 1}
    assert found.by_flip["c→i"].median == 1.0
    assert found.by_flip["i→c"].median == 0.0 < REWRITTEN_BELOW
    assert found.by_flip["c→c"].median is None


def test_no_episode_and_one_attempt_have_no_edits(episode: Make) -> None:
    for records in ([], [episode("1", "none", "x")]):
        found = arm_edits("none", records)
        assert (found.all.pairs, found.all.median, found.all.unchanged_share, found.without_program) == (
            0,
            None,
            None,
            0,
        )
