"""Every option of an arm: what can be written reads back, and what cannot be meant says what to write instead."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from banchu.core import spelling
from banchu.core.arm import (
    GATES,
    REVIEWS,
    RUN_BY_TESTS,
    SOURCES,
    STOP_RULES,
    VALENCES,
    Arm,
    Choose,
    Explain,
    Search,
    Show,
    Summary,
    Tools,
)
from banchu.core.errors import ConfigError
from banchu.core.recalling import Control, Memory, Successes

VALUES: dict[str, st.SearchStrategy[object]] = {
    "stop": st.sampled_from(STOP_RULES),
    "window": st.integers(0, 4),
    "valence": st.sampled_from(VALENCES),
    "same": st.integers(2, 5),
    "tests": st.integers(1, 9),
    "gate": st.sampled_from(GATES),
    "review": st.sampled_from(REVIEWS),
    "show": st.sampled_from(get_args(Show)),
    "explain": st.sampled_from(get_args(Explain)),
    "search": st.sampled_from(get_args(Search)),
    "width": st.integers(1, 7),
    "choose": st.sampled_from(get_args(Choose)),
    "rounds": st.integers(0, 12),
    "tools": st.sampled_from(get_args(Tools)),
    "summary": st.sampled_from(get_args(Summary)),
    "memory": st.sampled_from(get_args(Memory)),
    "k": st.integers(1, 9),
    "threshold": st.sampled_from((-1.0, 0.0, 0.25, 0.4, 1.0)),
    "successes": st.sampled_from(get_args(Successes)),
    "halflife": st.integers(1, 50),
    "control": st.sampled_from(get_args(Control)),
}


def spellings() -> st.SearchStrategy[str]:
    """Any source with any options, most of which cannot be meant."""
    options = st.fixed_dictionaries({}, optional=VALUES)
    return st.builds(
        lambda source, given: "+".join([source, *(f"{key}={value}" for key, value in given.items())]),
        st.sampled_from(SOURCES),
        options.filter(lambda given: len(given) <= 5),
    )


@st.composite
def legal_arms(draw: st.DrawFn) -> Arm:
    """Any arm that can be meant: options are added while nothing is said against them."""
    text: str = draw(st.sampled_from(SOURCES))
    for key in draw(st.permutations(tuple(VALUES))):
        longer = f"{text}+{key}={draw(VALUES[key])}"
        if draw(st.booleans()) and not said_of(longer):
            text = longer
    return Arm.parse(text)


def said_of(text: str) -> str:
    try:
        Arm.parse(text)
    except ConfigError as error:
        return str(error)
    return ""


def test_no_option_is_left_out_here() -> None:
    assert {field.name for field in fields(Arm) if field.compare} == {"source", *VALUES}


@settings(max_examples=80)
@given(legal_arms())
def test_every_arm_that_can_be_meant_reads_back_from_its_name(arm: Arm) -> None:
    assert Arm.parse(arm.name) == arm
    assert Arm.parse(arm.name).name == arm.name
    source, *options = arm.name.split("+")
    assert source == arm.source
    for left_out in options:  # the name is the shortest: each option in it is needed
        rest = "+".join([source, *(each for each in options if each != left_out)])
        assert said_of(rest) or Arm.parse(rest) != arm
    in_full = [f"{f.name}={getattr(arm, f.name)}" for f in fields(arm) if f.compare and f.name != "source"]
    assert Arm.parse("+".join([source, *(each for each in in_full if not each.endswith("=None"))])) == arm


@settings(max_examples=80)
@given(legal_arms())
def test_what_an_arm_says_of_itself_holds_together(arm: Arm) -> None:
    assert arm.uses_oracle == (arm.kind == "oracle") == (arm.fair == "unfair-asymmetric") == (not arm.realistic)
    assert not (arm.uses_oracle and arm.chooses)  # the oracle knows the right one
    assert not arm.searches or arm.shows_feedback
    assert arm.assesses or (arm.source == "none" and arm.choose == "last")
    assert arm.assesses or not (arm.window or arm.searches or arm.writes_tests)
    assert arm.runs_code or arm.judge_of_attempts not in RUN_BY_TESTS
    assert arm.asks_the_critic == (arm.source in ("intrinsic", "tools") or arm.explain != "nothing")
    assert arm.runs_code or not (arm.explain != "nothing" or arm.choose in ("best", "majority"))
    assert ("oracle" in arm.claims) == arm.uses_oracle
    assert arm.rounds_in(3) == (3 if arm.rounds is None else arm.rounds)


@settings(max_examples=60)
@given(spellings())
def test_what_cannot_be_meant_is_one_line_that_begins_with_what_was_written(text: str) -> None:
    message = said_of(text)
    assume(message)
    assert "\n" not in message
    assert message.startswith(f"arm {text!r}: ")
    assert len(message) < len(text) + 160


INSTEAD = {
    "intrinsic+gate=visible_tests": "visible_tests",
    "none+window=1": "none+window=0",
    "intrinsic+review=turns+window=1": "intrinsic+review=turns+window=0",
    "oracle_stop+stop=rounds": "none",
    "random+stop=rounds": "random+stop=oracle",
    "none+stop=done": "none+stop=same",
    "none+stop=accepted": "none+stop=rounds",
    "placebo+stop=accepted": "placebo+stop=done",
    "intrinsic+review=turns+stop=done": "intrinsic+review=turns+stop=same",
    "self_tests+valence=leading": "intrinsic+valence=leading",
    "oracle_trace+review=turns": "intrinsic+review=turns",
    "oracle_trace+explain=trace": "self_tests+explain=trace",
    "intrinsic+explain=critique": "execution+explain=critique",
    "execution+explain=blocks": "visible_tests+explain=blocks",
    "visible_tests+tests=2": "self_tests+tests=2",
    "oracle_trace+show=verdict": "oracle_verdict",
    "execution+choose=best": "self_tests+choose=best",
    "oracle_stop+choose=majority": "oracle_stop+choose=last",
    "self_tests+search=tree+stop=oracle+choose=best": "self_tests+search=tree+stop=oracle+choose=last",
    "intrinsic+width=3": "intrinsic+search=repair+width=3",
    "self_tests+search=tree+stop=same": "self_tests+search=tree+stop=accepted",
    "execution+search=tree": "visible_tests+search=tree",
    "placebo+search=repair": "oracle_trace+search=repair",
    "none+search=repair": "self_tests+search=repair",
    "intrinsic+review=turns+search=repair": "self_tests+search=repair",
    "random+tools=actor": "oracle_stop+tools=actor",
    "self_tests+search=repair+rounds=4": "self_tests+search=repair+rounds=9",
    "intrinsic+window=0+summary=running": "intrinsic+window=1+summary=running",
    "intrinsic+k=5": "intrinsic+memory=across+k=5",
    "none+memory=across": "visible_tests+memory=across",
    "intrinsic+memory=task+window=0": "intrinsic+memory=task+window=1",
    "intrinsic+memory=task+halflife=9": "intrinsic+memory=across+halflife=9",
    "intrinsic+memory=task+control=shuffled": "intrinsic+memory=task+control=empty",
}
"""What cannot be meant, and what its complaint leads to."""


@pytest.mark.parametrize(("text", "instead"), INSTEAD.items())
def test_a_complaint_says_what_to_write_instead(text: str, instead: str) -> None:
    message = said_of(text)
    assert said_of(instead) == ""
    words = set(text.split("+"))
    for word in instead.split("+"):
        key, _, value = word.partition("=")
        # Either what was written stays, or its replacement is in the message: `key=value`, or one of several values.
        assert word in words or word in message or (f"{key}=" in message and value in message), (word, message)


def test_every_complaint_there_is_can_be_met() -> None:
    tree = ast.parse(inspect.getsource(spelling))
    there = {node.lineno: node.end_lineno or 0 for node in ast.walk(tree) if isinstance(node, ast.Yield)}
    assert len(there) >= 15
    met = {line for text in INSTEAD for line in lines_of(text)}
    assert [first for first, last in there.items() if not met & set(range(first, last + 1))] == []


def lines_of(text: str) -> Iterator[int]:
    """The lines of spelling.py at which this arm is complained of."""
    source, *options = text.split("+")
    given = {key: spelling.option(text, key, value) for key, value in (each.split("=") for each in options)}
    running = spelling.complaints(Arm(**{**spelling.defaults(source, given), **given}))  # type: ignore[arg-type]
    for _ in running:
        inner = running
        while inner.gi_yieldfrom is not None:  # type: ignore[attr-defined]
            inner = inner.gi_yieldfrom  # type: ignore[attr-defined]
        yield inner.gi_frame.f_lineno  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("self_tests+show=everything", ["everything", "results", "verdict"]),
        ("self_tests+explain=line", ["line", "trace", "blocks"]),
        ("self_tests+search=three", ["three", "tree"]),
        ("self_tests+choose=first", ["first", "best", "majority"]),
        ("self_tests+search=tree+width=0", ["width=0", "at least 1"]),
        ("none+rounds=-1", ["rounds=-1", "at least 0"]),
        ("none+rounds=1000000", ["rounds=1000000", "6 digits"]),
        (f"none+rounds={'9' * 5000}", ["rounds=9999", "6 digits"]),
        ("none+rounds=2.5", ["rounds=2.5", "whole number"]),
        ("none+round=2", ["round", "rounds"]),
        ("none+choose", ["choose=VALUE"]),
        ("none+choose=", ["choose", "majority"]),
        ("intrinsic+memory=lasting", ["lasting", "across", "file"]),
        ("intrinsic+memory=across+threshold=2", ["threshold=2", "-1 to 1"]),
        ("intrinsic+memory=across+threshold=near", ["threshold=near", "-1 to 1"]),
        ("intrinsic+memory=across+k=0", ["k=0", "at least 1"]),
    ],
)
def test_a_value_that_is_none_is_answered_with_those_that_are(text: str, names: list[str]) -> None:
    message = said_of(text)
    assert message
    assert "\n" not in message
    assert [name for name in names if name not in message] == []


def test_an_arm_spelt_twice_is_written_once() -> None:
    assert Arm.parse("self_tests+search=tree+choose=best").name == "self_tests+search=tree"
    assert Arm.parse("self_tests+search=tree+choose=last").name == "self_tests+search=tree+choose=last"
    assert Arm.parse("none+gate=self_tests+stop=accepted+choose=best").name == "none+gate=self_tests+choose=best"
    assert Arm.parse("intrinsic+search=repair").choose == "last"  # a critic gives no score
    assert Arm.parse("visible_tests+search=repair+width=3").name == "visible_tests+search=repair+width=3"
    assert Arm.parse("none+rounds=07").name == "none+rounds=7"


def test_no_memory_at_all_has_one_name() -> None:
    assert Arm.parse("intrinsic+memory=off") == Arm.parse("intrinsic+window=0")
    assert Arm.parse("intrinsic+memory=episode").name == "intrinsic"
    assert Arm.parse("intrinsic+threshold=0.40+memory=across").name == "intrinsic+memory=across+threshold=0.4"
