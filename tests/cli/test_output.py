"""What is printed is what there is: brackets are no markup of the library that draws the tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from banchu.cli.output import print_json, print_table


def test_cells_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["lesson", "score"], [["swap lst[i] and lst[j], not [/b]", 1], ["pip install 'banchu[local]'", None]])
    shown = capsys.readouterr().out
    assert "swap lst[i] and lst[j], not [/b]" in shown
    assert "'banchu[local]'" in shown
    assert "None" not in shown


def test_half_a_pair_of_surrogates_is_shown_as_json_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["lesson"], [["a \ud800 b"]])
    print_json({"lesson": "a \ud800 é"})
    shown = capsys.readouterr().out
    assert r"a \ud800 b" in shown
    assert json.loads(shown[shown.index("{") :]) == {"lesson": "a \ud800 é"}
    assert "é" in shown


@pytest.mark.parametrize(("command", "extra"), [("report", "figures"), ("export", "parquet")])
def test_help_names_extras(banchu: Any, command: str, extra: str) -> None:
    assert f"'banchu[{extra}]'" in banchu(command, "--help").stdout
