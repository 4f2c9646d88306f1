from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.memory import EpisodicMemory


@given(st.integers(0, 5), st.lists(st.text()))
def test_recall_is_the_tail_of_what_was_remembered(window: int, reflections: list[str]) -> None:
    memory = EpisodicMemory(window)
    for reflection in reflections:
        memory.remember(reflection)
    assert memory.recall() == tuple(reflections[max(0, len(reflections) - window) :])


def test_a_negative_window_is_refused() -> None:
    with pytest.raises(ValueError, match="window=-1"):
        EpisodicMemory(-1)
