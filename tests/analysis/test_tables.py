from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from banchu.analysis import ArmData, compare, print_comparisons, print_summary, summarise
from banchu.core import Arm, EpisodeRecord
from banchu.core.arm import parse_arms

Make = Callable[..., EpisodeRecord]
ARMS = parse_arms("none,intrinsic,oracle_trace,oracle_trace+stop=rounds+window=3")


def piped(width: int = 100) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width), out


@pytest.mark.parametrize("rounds", [0, 2, 9])
def test_nothing_is_cut_at_100_columns(episode: Make, rounds: int) -> None:
    tasks = [f"HumanEval/{i}" for i in range(164)]
    records = [episode(t, arm.name, "x." * (rounds // 2) + "x") for arm in ARMS for t in tasks]
    console, out = piped()
    print_summary(summarise(records, arms=ARMS, rounds=rounds, task_ids=tasks), console, detail=True)
    text = out.getvalue()
    assert "…" not in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    for part in ("164/164", "100.0 %", "oracle content and stop", "sealed", f"r{rounds}", "c→i", "p Holm", "against"):
        assert part in text


@pytest.mark.parametrize("terminal", [True, False])
def test_a_narrow_console_loses_no_column(episode: Make, terminal: bool) -> None:
    tasks = [str(i) for i in range(164)]
    records = [replace(episode(t, arm.name, "x.x"), oracle_calls=7777) for arm in ARMS for t in tasks]
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=terminal, color_system=None)
    print_summary(summarise(records, arms=ARMS, rounds=2, task_ids=tasks), console)
    text = out.getvalue()
    for part in ("r0", "r2", "oracle", "sealed", str(7777 * 164), "p Holm"):
        assert part in text
    assert max(map(len, text.splitlines())) <= (80 if terminal else 100)


def test_no_data_is_a_dash(episode: Make) -> None:
    console, out = piped()
    print_summary(summarise([], arms=ARMS, rounds=2, task_ids=[]), console, detail=True)
    text = out.getvalue()
    assert "–" in text
    assert "nan" not in text.lower()
    assert "None" not in text
    print_summary(summarise([], arms=[], rounds=0, task_ids=[]), console, detail=True)


def test_the_cells_of_a_row(episode: Make) -> None:
    records = [episode(t, "intrinsic", m) for t, m in zip("abcd", ["x.", ".x", "xx", ".."], strict=True)]
    console, out = piped()
    print_summary(summarise(records, arms=[Arm.parse("intrinsic")], rounds=1, task_ids="abcd"), console)
    row = next(line for line in out.getvalue().splitlines() if line.strip().startswith("intrinsic")).split()
    assert row == ["intrinsic", "50.0", "%", "50.0", "%", "15–85", "75.0", "%", "1", "1", "120", "0", "0"]


def test_names_with_brackets_are_shown_as_they_are(episode: Make) -> None:
    a = ArmData(Arm.parse("none"), [episode("[red]t", "none", "x")], 0, ["[red]t"], run="[bold]r")
    b = ArmData(Arm.parse("intrinsic"), [], 0, ["[red]t"], run="s")
    console, out = piped()
    print_comparisons([compare(a, b)], console)
    assert out.getvalue().count("[bold]r:none") == 2
    assert "[red]t" in out.getvalue()
    print_comparisons([compare(b, a)], console)
    assert out.getvalue().count("[bold]r:none") == 4
    print_comparisons([compare(a, replace(b, run="[bold]r"))], console)
    assert out.getvalue().count("[bold]r:none") == 7  # as a control it has a row of budgets too
