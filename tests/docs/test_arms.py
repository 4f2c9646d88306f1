"""docs/arms.md against the code: every source and option is there, with what it is by default and may claim."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from banchu.core.arm import SOURCES, Arm, FeedbackSource
from banchu.core.controls import controls_of

TEXT = (Path(__file__).parents[2] / "docs" / "arms.md").read_text()
STOPS = {"rounds": "after the rounds", "accepted": "when all pass", "oracle": "by the sealed tests"}
CLAIMS = {"none": "independent samples", "oracle": "oracle", "intrinsic": "intrinsic", "external": "external"}


def rows(heading: str) -> dict[str, list[str]]:
    table = TEXT.partition(f"## {heading}")[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n") if line.startswith("|")
    ]
    return {row[0].strip("`"): row[1:] for row in cells[2:]}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_described_as_it_is(source: FeedbackSource) -> None:
    _, stops, claims = rows("Sources")[source]
    arm = Arm.parse(source)
    assert (stops, claims) == (STOPS[arm.stop], CLAIMS[arm.kind])


def test_every_option_is_described_and_no_other() -> None:
    named = {f.name for f in fields(Arm) if f.compare} - {"source"}
    assert set(rows("Options")) | {"same"} == named


def test_every_value_of_an_option_is_named() -> None:
    from banchu.core.spelling import _CLOSED

    for option, values in _CLOSED.items():
        described = " ".join(rows("Options")[option])
        assert [value for value in values if value != "nothing" and f"`{value}`" not in described] == []


def test_controls_that_are_named_are_controls() -> None:
    table = rows("Controls")
    named = {name for row in table.values() for name in re.findall(r"`([^`]+)`", row[0])}
    real = {control.name for arm in ("intrinsic", "oracle_trace") for control in controls_of(Arm.parse(arm))}
    assert real <= named
    assert all(Arm.parse(name) for name in named)
