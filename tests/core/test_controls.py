from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.test_spelling import legal_arms

from banchu.core.arm import Arm, parse_arms
from banchu.core.controls import (
    canonical,
    companions_of,
    controls_of,
    is_control,
    missing_controls,
    same_arm,
    without_recall,
)


@pytest.mark.parametrize(
    ("arm", "controls"),
    [
        ("none", ""),
        ("none+stop=same", "none"),
        ("none+gate=visible_tests", "none"),
        ("none+stop=oracle", "none"),
        ("oracle_stop", "none"),
        ("placebo", "none"),
        ("placebo+stop=done", "none"),
        ("placebo+stop=same+same=3", "none+stop=same+same=3"),
        ("placebo+stop=oracle", "oracle_stop"),
        ("intrinsic", "none,none+choose=majority,placebo"),
        ("intrinsic+stop=accepted+window=3", "none,none+choose=majority,placebo"),
        ("intrinsic+stop=done", "none,none+choose=majority,placebo+stop=done"),
        ("intrinsic+stop=same+same=3", "none+stop=same+same=3,none+choose=majority,placebo+stop=same+same=3"),
        ("intrinsic+stop=oracle", "oracle_stop"),
        ("execution", "none,none+choose=majority,placebo"),
        ("self_tests", "none+gate=self_tests,none+choose=majority,placebo"),
        ("self_tests+tests=2", "none+gate=self_tests+tests=2,none+choose=majority,placebo"),
        ("self_tests+stop=rounds", "none,none+choose=majority,placebo"),
        ("visible_tests", "none+gate=visible_tests,none+choose=majority,placebo"),
        ("oracle_trace", "oracle_stop"),
        ("oracle_trace+stop=accepted", "oracle_stop"),
        ("oracle_verdict+stop=rounds", "none,none+choose=majority,placebo"),
        ("none+choose=majority", "none"),
        ("none+choose=majority+stop=same", "none"),
        ("none+rounds=9", ""),  # a number of rounds is no condition of its own
        ("placebo+rounds=4", "none"),
        ("none+gate=self_tests+choose=best", "none"),
        ("random", "none"),
        ("placebo+choose=majority", "none,none+choose=majority,placebo"),
        ("intrinsic+choose=majority", "none,none+choose=majority,placebo"),
        ("intrinsic+search=repair", "none,none+choose=majority,placebo"),
        # The moment of stopping, and the choice of the best, without anything being shown.
        ("self_tests+search=tree", "none+gate=self_tests+choose=best,none+choose=majority,placebo"),
        (
            "self_tests+search=tree+stop=rounds",
            "none+gate=self_tests+stop=rounds+choose=best,none+choose=majority,placebo",
        ),
        (
            "visible_tests+choose=best+stop=done",
            "none+gate=visible_tests+stop=rounds+choose=best,none+choose=majority,placebo+stop=done",
        ),
        ("self_tests+choose=majority", "none+gate=self_tests+choose=majority,none+choose=majority,placebo"),
        ("visible_tests+explain=blocks+show=verdict", "none+gate=visible_tests,none+choose=majority,placebo"),
        ("self_tests+search=tree+stop=oracle+choose=last", "oracle_stop"),
        ("oracle_verdict+search=repair+stop=rounds", "none,none+choose=majority,placebo"),
        ("tools", "none,none+choose=majority,placebo"),
        ("none+tools=actor", "none"),
        ("oracle_stop+tools=actor", "none+tools=actor"),
        ("none+stop=oracle+tools=actor", "none+tools=actor"),
        ("intrinsic+tools=actor", "none+tools=actor,none+choose=majority+tools=actor,placebo+tools=actor"),
    ],
)
def test_the_controls_of_an_arm(arm: str, controls: str) -> None:
    wanted = parse_arms(controls) if controls else ()
    assert controls_of(Arm.parse(arm)) == wanted
    assert all(is_control(control, Arm.parse(arm)) for control in wanted)
    assert not is_control(Arm.parse("intrinsic"), Arm.parse(arm))


@settings(max_examples=60)
@given(given_arms=st.lists(legal_arms(), min_size=1, max_size=5, unique_by=canonical), rounds=st.integers(0, 4))
def test_a_run_with_controls_lacks_none_and_gives_away_nothing(given_arms: list[Arm], rounds: int) -> None:
    complete = (*given_arms, *missing_controls(given_arms, rounds))
    assert missing_controls(complete, rounds) == ()
    assert len({canonical(arm) for arm in complete}) == len({arm.name for arm in complete}) == len(complete)
    for arm in complete:
        assert Arm.parse(arm.name) == arm  # each control is an arm that can be run
        for control in controls_of(arm):
            assert control.uses_oracle <= arm.uses_oracle  # what an arm without an oracle brings with it has none
            if arm.recalls:  # the arm as it is, with other lessons or with none
                assert without_recall(control) == without_recall(arm)
                continue
            assert not control.oracle_content
            assert not control.searches
            assert control.explain == "nothing"
        for companion in companions_of(arm):
            assert arm.uses_oracle or (arm.source == "tools" and companion.source == "intrinsic")
            assert not companion.oracle_stops or arm.source == "tools"
        assert not is_control(arm, arm)


@settings(max_examples=60)
@given(legal_arms(), st.integers(0, 4))
def test_a_control_that_is_added_can_spend_what_its_arm_can(arm: Arm, rounds: int) -> None:
    """As many calls as the arm, and twice as many where they are fresh samples, which are shorter; `none` has as many
    rounds, since the last of more samples is no better."""
    added = {canonical(control): control for control in missing_controls([arm], rounds)}
    own = arm.rounds_in(rounds)
    lessons = own if arm.search != "tree" else -(-own // arm.width)
    calls = own * (1 + arm.asks_the_critic) + (lessons if arm.window else 0)
    for control in controls_of(arm) if own else ():
        has = added[canonical(control)].rounds_in(rounds)
        bare = replace(control, tools="off")
        if not arm.shows_feedback or same_arm(bare, Arm.parse("none")) or arm.recalls:
            assert has >= arm.rounds_in(rounds)
        else:
            assert has >= calls * (1 if control.shows_feedback else 2)


def test_a_control_has_the_rounds_that_the_most_expensive_of_its_arms_needs() -> None:
    names = [arm.name for arm in missing_controls(parse_arms("execution+window=0,intrinsic"), 2)]
    # intrinsic: 2 rounds of critique, lesson and answer are 6 calls, for which 12 samples can be had.
    assert names == ["none", "none+choose=majority+rounds=12", "placebo+rounds=6"]
    fewer = [arm.name for arm in missing_controls(parse_arms("execution+window=0,intrinsic+rounds=1"), 2)]
    assert fewer == ["none", "none+choose=majority+rounds=6", "placebo+rounds=3"]
    longer = [arm.name for arm in missing_controls(parse_arms("execution+window=0+rounds=5"), 2)]
    assert longer == ["none+rounds=5", "none+choose=majority+rounds=10", "placebo+rounds=5"]


def test_a_memory_is_measured_against_other_lessons_and_against_none() -> None:
    def controls(text: str) -> list[str]:
        return [control.name for control in controls_of(Arm.parse(text))]

    shuffled = "visible_tests+memory=across+k=2+control=shuffled"
    assert controls("visible_tests+memory=across+k=2") == [shuffled, "visible_tests"]
    assert controls("visible_tests+memory=across+control=shuffled") == ["visible_tests"]
    assert controls("visible_tests+memory=task") == ["visible_tests"]


def test_a_control_that_is_there_is_left_as_it_was_given() -> None:
    given_arms = parse_arms("intrinsic,placebo,none+rounds=1,none+choose=majority")
    assert missing_controls(given_arms, 2) == ()


def test_an_oracle_brings_what_takes_it_apart() -> None:
    assert [arm.name for arm in companions_of(Arm.parse("oracle_trace+window=3"))] == [
        "oracle_trace+stop=rounds+window=3",
        "none",
    ]
    for arm in ("oracle_stop", "intrinsic+stop=oracle", "oracle_trace+stop=rounds", "self_tests", "random"):
        assert companions_of(Arm.parse(arm)) == ()
    assert missing_controls([], 2) == ()


def test_another_spelling_of_a_control_is_not_added_twice() -> None:
    given_arms = parse_arms("none,none+stop=oracle,oracle_trace,oracle_trace+stop=rounds,placebo,none+choose=majority")
    assert missing_controls(given_arms, 2) == ()
    assert is_control(Arm.parse("none+stop=oracle"), Arm.parse("oracle_trace"))
    assert [arm.name for arm in missing_controls(parse_arms("none,intrinsic,oracle_trace"), 2)] == [
        "none+choose=majority+rounds=12",
        "placebo+rounds=6",
        "oracle_stop+rounds=8",
        "oracle_trace+stop=rounds",
    ]
