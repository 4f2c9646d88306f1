from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from banchu.core.arm import SOURCES, STOP_RULES, Arm, parse_arms
from banchu.core.errors import ConfigError


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_alone_is_an_arm_named_after_it(source: str) -> None:
    assert Arm.parse(source).name == source


def test_only_arms_that_use_the_oracle_say_so() -> None:
    others = (
        *("none+stop=oracle", "none+gate=self_tests", "self_tests+stop=oracle", "oracle_trace+stop=rounds"),
        *("none+choose=majority", "intrinsic+choose=majority", "none+gate=self_tests+choose=best"),
        *("visible_tests+search=tree", "self_tests+search=repair+choose=last", "oracle_verdict+search=repair"),
        *("self_tests+search=tree+stop=oracle+choose=last", "none+tools=actor", "tools+tools=actor"),
    )
    claims = {name: Arm.parse(name).claims for name in (*SOURCES, *others)}
    assert claims == {
        "none": "independent samples",
        "placebo": "placebo",
        "intrinsic": "intrinsic",
        "tools": "external: checks with tools",
        "none+tools=actor": "independent samples, with tools",
        "tools+tools=actor": "external: checks with tools, with tools",
        "self_tests": "external: runs its own tests",
        "visible_tests": "external: runs the prompt's examples",
        "execution": "external: runs without tests",
        "oracle_stop": "oracle stop",
        "oracle_verdict": "oracle content and stop",
        "oracle_trace": "oracle content and stop",
        "random": "oracle stop, random guesses",
        "none+stop=oracle": "oracle stop",
        "none+gate=self_tests": "samples behind self_tests",
        "self_tests+stop=oracle": "oracle stop",
        "oracle_trace+stop=rounds": "oracle content",
        "none+choose=majority": "majority of samples",
        "intrinsic+choose=majority": "intrinsic, majority",
        "none+gate=self_tests+choose=best": "best by self_tests",
        "visible_tests+search=tree": "tree search by visible_tests",
        "self_tests+search=repair+choose=last": "repair by self_tests",
        "oracle_verdict+search=repair": "oracle content and stop",
        "self_tests+search=tree+stop=oracle+choose=last": "oracle stop",
    }


def test_an_intrinsic_arm_never_uses_the_oracle_unless_it_stops_by_it() -> None:
    for stop, window in itertools.product(STOP_RULES, (0, 1)):
        assert Arm.parse(f"intrinsic+stop={stop}+window={window}").uses_oracle == (stop == "oracle")


@pytest.mark.parametrize(
    ("text", "kind", "realistic", "fair"),
    [
        ("none", "none", True, "fair-symmetric"),
        ("none+gate=self_tests", "external", True, "fair-asymmetric"),
        ("placebo", "intrinsic", True, "fair-symmetric"),
        ("intrinsic+review=turns", "intrinsic", True, "fair-symmetric"),
        ("visible_tests", "external", True, "fair-asymmetric"),
        ("execution", "external", True, "fair-asymmetric"),
        ("self_tests+stop=oracle", "oracle", False, "unfair-asymmetric"),
        ("oracle_stop", "oracle", False, "unfair-asymmetric"),
        ("oracle_trace+stop=rounds", "oracle", False, "unfair-asymmetric"),
        ("random", "oracle", False, "unfair-asymmetric"),
        ("none+choose=majority", "external", True, "fair-asymmetric"),  # samples are run to see which agree
        ("intrinsic+choose=majority", "external", True, "fair-asymmetric"),
        ("visible_tests+explain=blocks", "external", True, "fair-asymmetric"),
        ("self_tests+search=tree", "external", True, "fair-asymmetric"),
        ("intrinsic+search=repair", "intrinsic", True, "fair-symmetric"),
        ("oracle_trace+search=repair", "oracle", False, "unfair-asymmetric"),
        ("tools", "external", True, "fair-asymmetric"),
        ("none+tools=actor", "external", True, "fair-symmetric"),  # from the first answer on
        ("visible_tests+tools=actor", "external", True, "fair-asymmetric"),
        ("oracle_stop+tools=actor", "oracle", False, "unfair-asymmetric"),
    ],
)
def test_an_arm_says_what_kind_of_correction_it_is(text: str, kind: str, realistic: bool, fair: str) -> None:
    arm = Arm.parse(text)
    assert (arm.kind, arm.realistic, arm.fair) == (kind, realistic, fair)


@pytest.mark.parametrize("text", ["tools", "none+tools=actor", "tools+stop=accepted+tools=actor"])
def test_a_tool_that_knows_the_answer_makes_an_oracle_of_any_arm(text: str) -> None:
    arm = Arm.parse(text)
    told = replace(arm, oracle_tool=True)
    assert (told.kind, told.realistic, told.fair) == ("oracle", False, "unfair-asymmetric")
    assert told.claims.startswith("oracle tool; ")
    assert told.uses_oracle
    assert not told.holds_oracle  # it is handed no verdicts for that
    assert (told, told.name, hash(told)) == (arm, text, hash(arm))  # spelt alike, so its controls are the same


def test_only_an_arm_that_needs_it_runs_code_or_writes_tests() -> None:
    runs = {name for name in SOURCES if Arm.parse(name).runs_code}
    # A guess runs the first answer, to see which of the answers it gave.
    assert runs == {"self_tests", "visible_tests", "execution", "random"}
    assert {name for name in SOURCES if Arm.parse(name).writes_tests} == {"self_tests"}
    assert Arm.parse("none+gate=visible_tests").runs_code
    assert not Arm.parse("none+gate=visible_tests").writes_tests
    assert Arm.parse("none+gate=self_tests").writes_tests
    assert Arm.parse("none+choose=majority").runs_code
    assert not Arm.parse("none+choose=majority").writes_tests
    assert not Arm.parse("intrinsic+search=repair").runs_code


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
        ("oracle_trace+review=turns", ["intrinsic"]),
        ("intrinsic+review=turns+window=1", ["window=0"]),
        ("intrinsic+review=turns+stop=accepted", ["verdict"]),
        ("self_tests+gate=self_tests", ["gate", "none"]),
        ("none+gate=oracle", ["oracle", "visible_tests"]),
        ("none+gate=self_tests+stop=done", ["done"]),
        ("none+gate=self_tests+window=1", ["window=0"]),
        ("none+gate=visible_tests+tests=2", ["self_tests"]),
        ("self_tests+tests=0", ["tests=0"]),
        ("placebo+stop=accepted", ["placebo", "rounds"]),
        ("execution+stop=accepted", ["execution"]),
        ("random+tools=actor", ["tools=actor", "oracle_stop"]),
        ("none+tools=on", ["on", "actor"]),
        ("tools+review=turns", ["intrinsic"]),
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
