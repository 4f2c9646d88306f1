from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.making import any_entry, entry

from banchu.core.errors import DataError
from banchu.memory import Entry
from banchu.memory.codec import encode, from_line, to_line


@given(any_entry(), st.text(st.characters(exclude_categories=())))
def test_a_line_gives_back_the_entry(one: Entry, text: str) -> None:
    said = entry(text, cue=text)  # half a surrogate pair among them
    for each in (one, said):
        line = to_line(each)
        assert from_line(line) == each
        assert from_line(line).id == each.id
        assert line.isascii()
        assert "\n" not in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"oracle": None}, "oracle=None should be bool"),
        ({"round": "0"}, "round='0' should be int"),
        ({"round": True}, "round=True should be int"),
        ({"colour": "red"}, "no field 'colour'"),
        ({"scope": "world"}, "scope 'world'"),
        ({"task": ""}, "names no task"),
        ({"task": "\ud800"}, "is no Unicode"),
        ({"order": 2**70}, "none that a run can have"),
        ({"round": -(2**70)}, "none that a run can have"),
        ({"outcome": "failed"}, "sealed tests"),
        ({"arm": "oracle_stop"}, "uses an oracle"),
    ],
)
def test_what_cannot_be_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        from_line(json.dumps(encode(entry()) | change))


@pytest.mark.parametrize("line", ["", "[]", "3", "{", "[" * 100_000, '{"text": "a"}'])
def test_what_is_no_entry_is_refused(line: str) -> None:
    with pytest.raises(DataError, match="a memory's entry"):
        from_line(line)


def test_whoever_leaves_out_the_oracle_is_asked_for_it() -> None:
    plain = encode(entry())
    del plain["oracle"]
    with pytest.raises(DataError, match="lacks 'oracle'"):
        from_line(json.dumps(plain))


def test_an_id_is_of_the_place_and_not_of_the_text() -> None:
    assert entry("a").id == entry("b", cue="c", order=3, oracle=True).id
    others = [
        entry(arm="none"),
        entry(round=1),
        entry(episode="x"),
        entry(key="k"),
        entry(scope="run"),
        entry(task="t"),
    ]
    assert len({each.id for each in (entry(), *others)}) == 7
