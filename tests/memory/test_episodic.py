from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.memory import EpisodicMemory


@given(st.integers(0, 5), st.lists(st.text()))
def test_recall_is_the_tail_of_what_was_remembered(window: int, reflections: list[str]) -> None:
    memory = EpisodicMemory(window)
    for about, reflection in enumerate(reflections):
        memory.remember(reflection, about)
    assert memory.recall(range(len(reflections))) == tuple(reflections[max(0, len(reflections) - window) :])


def test_a_path_of_a_tree_sees_its_own_lessons_and_of_each_attempt_the_latest() -> None:
    memory = EpisodicMemory(2)
    memory.remember("root", 0)
    memory.remember("left", 1)
    memory.remember("right", 2)
    assert memory.recall((0, 2)) == ("root", "right")
    memory.remember("root again", 0)
    assert memory.recall((0, 1)) == ("root again", "left")
    assert memory.recall((3,)) == ()


def test_a_negative_window_is_refused() -> None:
    with pytest.raises(ValueError, match="window=-1"):
        EpisodicMemory(-1)
