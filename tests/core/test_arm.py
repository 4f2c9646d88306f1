from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banchu.core.arm import SOURCES, STOP_RULES, VALENCES, Arm, parse_arms
from banchu.core.errors import ConfigError


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_alone_is_an_arm_named_after_it(source: str) -> None:
    assert Arm.parse(source).name == source


@given(
    st.sampled_from(SOURCES),
    st.sampled_from(STOP_RULES),
    st.integers(0, 9),
    st.sampled_from(VALENCES),
    st.integers(2, 9),
)
def test_a_name_reads_back_as_the_same_arm(source: str, stop: str, window: int, valence: str, same: int) -> None:
    try:
        arm = Arm.parse(f"{source}+stop={stop}+window={window}+valence={valence}+same={same}")
    except ConfigError:
        return
    assert Arm.parse(arm.name) == arm


def test_only_arms_that_use_the_oracle_say_so() -> None:
    claims = {name: Arm.parse(name).claims for name in (*SOURCES, "none+stop=oracle", "oracle_trace+stop=rounds")}
    assert claims == {
        "none": "independent samples",
        "intrinsic": "intrinsic",
        "oracle_stop": "oracle stop",
        "oracle_verdict": "oracle content and stop",
        "oracle_trace": "oracle content and stop",
        "none+stop=oracle": "oracle stop",
        "oracle_trace+stop=rounds": "oracle content",
    }


def test_an_intrinsic_arm_never_uses_the_oracle_unless_it_stops_by_it() -> None:
    for stop, window in itertools.product(STOP_RULES, (0, 1)):
        assert Arm.parse(f"intrinsic+stop={stop}+window={window}").uses_oracle == (stop == "oracle")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("oracel_trace", ["oracel_trace", "oracle_trace"]),
        ("none+stop", ["stop=VALUE"]),
        ("none+stop=never", ["never", "rounds"]),
        ("none+stop=accepted", ["feedback"]),
        ("none+window=1", ["window=0"]),
        ("intrinsic+window=-1", ["window=-1"]),
        ("intrinsic+same=1", ["same=1"]),
        ("intrinsic+colour=red", ["colour", "window"]),
        ("oracle_stop+stop=rounds", ["none"]),
        ("oracle_trace+valence=leading", ["intrinsic"]),
        ("none,none", ["twice"]),
        (" , ", ["no arm"]),
    ],
)
def test_a_wrong_arm_is_one_line_that_names_it(text: str, names: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_arms(text)
    message = str(raised.value)
    assert "\n" not in message
    assert all(name in message for name in names)
