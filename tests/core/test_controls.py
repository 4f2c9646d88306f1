from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.arm import GATES, SOURCES, STOP_RULES, Arm, parse_arms
from banchu.core.controls import controls_of, is_control, missing_controls, with_controls
from banchu.core.errors import ConfigError


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
        ("intrinsic", "none,placebo"),
        ("intrinsic+stop=accepted+window=3", "none,placebo"),
        ("intrinsic+stop=done", "none,placebo+stop=done"),
        ("intrinsic+stop=same+same=3", "none+stop=same+same=3,placebo+stop=same+same=3"),
        ("intrinsic+stop=oracle", "oracle_stop"),
        ("execution", "none,placebo"),
        ("self_tests", "none+gate=self_tests,placebo"),
        ("self_tests+tests=2", "none+gate=self_tests+tests=2,placebo"),
        ("self_tests+stop=rounds", "none,placebo"),
        ("visible_tests", "none+gate=visible_tests,placebo"),
        ("oracle_trace", "oracle_stop"),
        ("oracle_trace+stop=accepted", "oracle_stop"),
        ("oracle_verdict+stop=rounds", "none,placebo"),
    ],
)
def test_the_controls_of_an_arm(arm: str, controls: str) -> None:
    wanted = parse_arms(controls) if controls else ()
    assert controls_of(Arm.parse(arm)) == wanted
    assert all(is_control(control, Arm.parse(arm)) for control in wanted)
    assert not is_control(Arm.parse("intrinsic"), Arm.parse(arm))


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    text = (
        f"{draw(st.sampled_from(SOURCES))}+stop={draw(st.sampled_from(STOP_RULES))}+gate={draw(st.sampled_from(GATES))}"
    )
    window = draw(st.sampled_from(["", "+window=0", "+window=2"]))
    try:
        return Arm.parse(text + window)
    except ConfigError:
        return draw(arms())


@given(given_arms=st.lists(arms(), min_size=1, max_size=5, unique=True))
def test_a_run_with_controls_lacks_none_and_gives_away_nothing(given_arms: list[Arm]) -> None:
    complete = with_controls(given_arms)
    assert complete[: len(given_arms)] == tuple(given_arms)
    assert missing_controls(complete) == ()
    assert with_controls(complete) == complete
    assert len({arm.name for arm in complete}) == len({arm.name for arm in given_arms}) + len(complete) - len(
        given_arms
    )
    for arm in complete:
        assert Arm.parse(arm.name) == arm  # each control is an arm that can be run
        for control in controls_of(arm):
            assert control.uses_oracle <= arm.uses_oracle  # what an arm without an oracle brings with it has none
            assert not control.oracle_content
        assert not is_control(arm, arm)


def test_another_spelling_of_a_control_is_not_added_twice() -> None:
    given_arms = parse_arms("none,none+stop=oracle,oracle_trace")
    assert missing_controls(given_arms) == ()
    assert is_control(Arm.parse("none+stop=oracle"), Arm.parse("oracle_trace"))
    assert [arm.name for arm in missing_controls(parse_arms("none,intrinsic,oracle_trace"))] == [
        "placebo",
        "oracle_stop",
    ]
    assert missing_controls([]) == ()
