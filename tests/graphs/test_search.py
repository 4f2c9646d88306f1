"""Which attempt is revised next: the rules against a second implementation, and whole walks of arms that search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.graphs.walking import RIGHT, TASK, WRONG, ScriptedProver, Walk

from banchu.core.arm import Arm
from banchu.core.episode import Check, Choice, Feedback
from banchu.core.errors import ConfigError
from banchu.graphs import build_graph
from banchu.graphs.search import parent_of_next, path_to

SCORES = st.sampled_from([None, 0.0, 0.25, 0.5, 0.75, 1.0])
"""Sums and halves of these are exact, so two ways of adding them up can be compared."""
Tree = tuple[list[int | None], list[Feedback]]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any attempts that revise earlier ones, under one first attempt, with the score of each."""
    scores = draw(st.lists(SCORES, min_size=1, max_size=30))
    above = [draw(st.integers(0, round - 1)) for round in range(1, len(scores))]
    return [None, *above], [Feedback(n, "self_tests", "", score=score) for n, score in enumerate(scores)]


@dataclass
class Node:
    """The second implementation: a tree of objects, whose sums are taken anew wherever they are asked for."""

    round: int
    score: float
    below: list[Node] = field(default_factory=list)

    def all(self) -> list[Node]:
        return [self, *(deeper for node in self.below for deeper in node.all())]

    def value(self, above: Node) -> float:
        mine = self.all()
        return sum(node.score for node in mine) / len(mine) + sqrt(log(len(above.all())) / len(mine))


def selected(width: int, parents: Sequence[int | None], feedback: Sequence[Feedback]) -> int:
    nodes = [Node(said.round, said.score or 0.0) for said in feedback]
    for node, parent in zip(nodes, parents, strict=True):
        if parent is not None:
            nodes[parent].below.append(node)
    here = nodes[0]
    while len(here.below) >= width:
        values = [node.value(here) for node in here.below]
        here = here.below[values.index(max(values))]
    return here.round


@given(trees(), st.integers(1, 5))
def test_a_tree_goes_on_where_uct_says(tree: Tree, width: int) -> None:
    parents, feedback = tree
    arm = Arm.parse(f"self_tests+search=tree+width={width}")
    assert parent_of_next(arm, feedback, parents) == selected(width, parents, feedback)


@given(st.lists(SCORES, min_size=1, max_size=30), st.integers(1, 4))
def test_no_attempt_of_a_tree_is_revised_more_often_than_it_is_wide(scores: list[float | None], width: int) -> None:
    arm = Arm.parse(f"self_tests+search=tree+width={width}")
    feedback = [Feedback(n, "self_tests", "", score=score) for n, score in enumerate(scores)]
    parents: list[int | None] = []
    for made in range(len(scores)):
        parents.append(parent_of_next(arm, feedback[:made], parents))
    assert parents[0] is None
    assert None not in parents[1:]
    assert all(parents.count(round) <= width for round in range(len(scores)))
    if width == 1:
        assert parents[1:] == list(range(len(scores) - 1))  # a chain


def test_a_tree_prefers_what_passes_more_tests_and_comes_back_to_what_was_seldom_tried() -> None:
    arm = Arm.parse("self_tests+search=tree+width=2")
    said = [Feedback(n, "self_tests", "", score=score) for n, score in enumerate([0.0, 0.0, 0.75, 0.0, 0.0, 0.0])]
    assert parent_of_next(arm, said[:3], [None, 0, 0]) == 2
    # Below 2 nothing was found: 0.75 / 3 + sqrt(ln 5 / 3) = 0.98 is less than sqrt(ln 5) = 1.27.
    assert parent_of_next(arm, said[:5], [None, 0, 0, 2, 2]) == 1


@given(trees())
def test_a_path_goes_from_the_first_attempt_to_the_one_that_is_asked_for(tree: Tree) -> None:
    parents, _ = tree
    for round in range(len(parents)):
        path = path_to(round, parents)
        assert parents[path[0]] is None
        assert path[-1] == round
        assert all(parents[later] == earlier for earlier, later in pairwise(path))
    assert path_to(None, parents) == ()


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=40), st.integers(1, 6))
def test_programs_first_then_those_that_failed_in_turn_and_what_was_accepted_never(
    accepts: list[bool | None], width: int
) -> None:
    arm = Arm.parse(f"self_tests+search=repair+width={width}+stop=rounds")
    parents: list[int | None] = []
    for made in range(len(accepts)):
        said = [Feedback(n, "self_tests", "", accepts=each) for n, each in enumerate(accepts[:made])]
        parents.append(parent_of_next(arm, said, parents))
    assert parents[:width] == [None] * len(parents[:width])
    failed = [round for round in range(width) if round < len(accepts) and accepts[round] is not True]
    repairs = parents[width:]
    # A repair is never repaired, whether it failed or not: the turns are those of the first programs.
    assert repairs == [failed[turn % len(failed)] if failed else None for turn in range(len(repairs))]


def test_a_chain_revises_the_last_and_samples_revise_nothing() -> None:
    for arm, parent in (("placebo", 2), ("oracle_trace", 2), ("none", None), ("none+choose=majority", None)):
        assert parent_of_next(Arm.parse(arm), (), [None, 0, 1]) == parent
        assert parent_of_next(Arm.parse(arm), (), []) is None


class Graded(ScriptedProver):
    """A fake: a program that returns x + 1 passes everything, one that returns a number that many tests."""

    async def check(self, tests: Sequence[str], code: str) -> list[Check]:
        passes = 99 if "x + 1" in code else int(code.split()[-1])
        return [Check(test, number < passes, "" if number < passes else "?") for number, test in enumerate(tests)]


def program(passes: int) -> str:
    return f"```python\ndef inc(x):\n    return {passes}\n```"


TESTS = "\n".join(f"assert inc({n}) == {n + 1}" for n in range(4))


def walk_of(arm: str, replies: Sequence[str], rounds: int) -> Walk:
    walk = Walk(arm, list(replies), tests=TESTS, rounds=rounds, task=replace(TASK, examples=("assert inc(1) == 2",)))
    walk.prover = Graded()
    return walk


async def test_a_tree_shows_the_parent_what_was_found_of_it_and_the_lessons_on_its_path() -> None:
    walk = walk_of("self_tests+search=tree+width=2+window=9", [program(n) for n in (0, 1, 3, 0, 2, 0, 0, 0)], 7)
    output = await walk()
    parents = [choice.parent for choice in walk.sink.choices]
    assert parents[:5] == [None, 0, 0, 2, 1]
    assert max(len(path_to(parent, parents)) for parent in parents) == 3
    prompts = walk.prompts("actor")
    for round, parent in enumerate(parents[1:], start=1):
        assert parent is not None
        assert str(walk.sink.attempts[parent].code) in prompts[round]
        assert prompts[round].count("# output: ?") == walk.sink.feedbacks[parent].text.count("# output: ?")
        # `lesson n` was written before attempt n + 1: about its parent, where that had none yet.
        about = {parents[n + 1]: f"lesson {n}" for n in reversed(range(7)) if f"lesson {n}" in "".join(prompts)}
        shown = [about[above] for above in path_to(parent, parents)]
        assert [lesson for lesson in sorted(about.values()) if lesson in prompts[round]] == sorted(shown)
    # One lesson for each attempt that was revised, however often.
    assert len(walk.prompts("reflector")) == len(set(parents[1:]))
    assert output["answer"] == 2


async def test_the_window_counts_along_the_path() -> None:
    replies = [program(n) for n in (0, 1, 2, 3)]
    seen = {}
    for window in (1, 2):
        walk = walk_of(f"self_tests+search=tree+width=1+window={window}", replies, 3)
        await walk()
        seen[window] = [n for n in range(3) if f"lesson {n}" in walk.prompts("actor")[3]]
    assert seen == {1: [2], 2: [1, 2]}


async def test_repairs_are_shown_their_own_program_and_a_lesson_of_their_own() -> None:
    replies = [program(1), RIGHT, program(2), program(0), program(0), program(0), program(0)]
    walk = walk_of("self_tests+search=repair+width=3+stop=rounds", replies, 6)
    output = await walk()
    assert [choice.parent for choice in walk.sink.choices] == [None, None, None, 0, 2, 0, 2]
    prompts = walk.prompts("actor")
    assert len(set(prompts[:3])) == 1
    for round, parent in ((3, 0), (4, 2), (5, 0), (6, 2)):
        assert str(walk.sink.attempts[parent].code) in prompts[round]
        assert [n for n in range(7) if f"lesson {n}" in prompts[round]] == [round - 1]
    assert output["answer"] == 1  # the one that passed all of them, though others came later


async def test_where_nothing_failed_samples_go_on() -> None:
    walk = walk_of("self_tests+search=repair+width=2+stop=rounds", [RIGHT], 4)
    await walk()
    assert [choice.parent for choice in walk.sink.choices] == [None] * 5
    assert walk.prompts("reflector") == []
    assert len(set(walk.prompts("actor"))) == 1


async def test_a_critic_that_is_content_spares_a_program_the_repair() -> None:
    walk = Walk(
        "intrinsic+search=repair+width=3", [WRONG], ["VERDICT: incorrect", "VERDICT: correct", "VERDICT: incorrect"], 6
    )
    await walk()
    assert [choice.parent for choice in walk.sink.choices] == [None, None, None, 0, 2, 0, 2]


@pytest.mark.parametrize("arm", ["self_tests+search=tree", "self_tests+search=repair+width=1"])
async def test_a_search_ends_with_what_its_own_tests_accept(arm: str) -> None:
    walk = walk_of(arm, [program(1), program(2), RIGHT], 9)
    output = await walk()
    assert (output["stopped_by"], output["answer"], len(walk.sink.attempts)) == ("accepted", 2, 3)
    assert walk.sink.choices[-1].chosen == 2


@pytest.mark.parametrize(
    "arm", ["oracle_verdict+search=repair+width=2", "oracle_verdict+search=repair+width=2+stop=rounds"]
)
async def test_a_search_that_does_not_choose_ends_with_its_last_attempt(arm: str) -> None:
    walk = Walk(arm, [WRONG], rounds=4)
    output = await walk()
    assert walk.sink.choices[-1].chosen == 4
    assert output["answer"] == 4
    assert [choice.chosen for choice in walk.sink.choices] == list(range(5))
    assert [choice.round for choice in walk.sink.choices] == list(range(5))
    assert max(walk.oracle.asked) == 3  # the last attempt is never shown to the oracle


async def test_an_arm_without_search_and_choice_writes_none_down() -> None:
    for arm in ("none", "intrinsic", "self_tests"):
        walk = Walk(arm, [WRONG], tests=TESTS, rounds=1)
        assert "answer" not in await walk()
        assert walk.sink.choices == list[Choice]()


def test_a_run_too_short_to_repair_is_refused_before_it_begins() -> None:
    with pytest.raises(ConfigError, match=r"5 programs in 4 rounds leave none to repair; write .*\+rounds=9"):
        build_graph(Arm.parse("self_tests+search=repair"), rounds=4)
    build_graph(Arm.parse("self_tests+search=repair+rounds=9"), rounds=4)
