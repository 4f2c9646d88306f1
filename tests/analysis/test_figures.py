"""Figures by their data and by what is drawn: bars, bands, marks and counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.drawn import ARMS, MANY, look, mixed, named, panels, seen, words

from banchu.analysis import count_flips
from banchu.analysis.figures import FIGURES, ArmView, draw_accuracy, draw_flows, draw_tasks
from banchu.analysis.figures.accuracy import accuracy_points
from banchu.analysis.figures.flows import flow_steps, state_counts
from banchu.analysis.figures.tasks import ROWS_UP_TO, flips, rows
from banchu.analysis.figures.tokens import draw_tokens, token_points, tokens_by_round
from banchu.core import CallRecord

from .conftest import make_episode


@pytest.fixture
def arms() -> tuple[ArmView, ...]:
    return mixed()


def test_what_became_of_each_unit(arms: tuple[ArmView, ...]) -> None:
    none, intrinsic, _ = arms
    assert state_counts(none) == [
        {"correct": 2, "incorrect": 2, "not run": 1},
        {"correct": 2, "incorrect": 1, "unjudged": 1, "not run": 1},
        {"correct": 1, "incorrect": 3, "not run": 1},
    ]
    assert flow_steps(intrinsic)[0] == {
        ("correct", "correct"): 2,
        ("incorrect", "incorrect"): 1,
        ("correct", "incorrect"): 1,
        ("incorrect", "error"): 1,
    }
    assert flips(none) == {
        (("HumanEval/0", 0), 2): "c→i",
        (("HumanEval/1", 0), 1): "i→c",
        (("HumanEval/1", 0), 2): "c→i",
    }


@given(st.lists(st.text("x.?", min_size=3, max_size=3), min_size=1, max_size=12))
def test_flows_agree_with_the_flips_of_the_tables(lines: list[str]) -> None:
    (view,) = look({"none": lines}, rounds=2)
    for round_, step in enumerate(flow_steps(view)):
        table = count_flips(view.table, round_, round_ + 1)
        assert step.total() == len(lines)
        assert step["incorrect", "correct"] == table.incorrect_correct
        assert step["correct", "incorrect"] == table.correct_incorrect
        marked = [change for (_, at), change in flips(view).items() if at == round_ + 1]
        assert (marked.count("i→c"), marked.count("c→i")) == (table.incorrect_correct, table.correct_incorrect)
        counts = state_counts(view)
        for state in counts[round_]:
            assert counts[round_][state] == sum(n for (before, _), n in step.items() if before == state)


def test_the_bands_are_as_wide_as_their_counts_and_say_them(arms: tuple[ArmView, ...]) -> None:
    drawing = draw_flows(arms)
    for state in ("correct", "incorrect", "not run", "unjudged", "error"):
        assert named(drawing, f"bar {state} 1")
    for label in ("band correct correct 0", "band not run not run 0"):
        (band,) = named(draw_flows(arms[:1]), label)
        corners = band.get_path().vertices
        assert corners[0, 1] - corners[7, 1] == corners[3, 1] - corners[4, 1] == 1
    texts = words(drawing)
    for wanted in ("1 unjudged", "1 error", "1 not run", "units, n = 5", "oracle_trace+stop=rounds (oracle content)"):
        assert wanted in texts


def test_bands_leave_and_enter_bars_without_overlap() -> None:
    (view,) = look({"none": ["xx", "x.", "x.", ".x", "..", "..", ".?", "?x"]}, rounds=1)
    drawing = draw_flows([view])
    bands: list[Any] = drawing.figure.findobj(lambda artist: str(artist.get_label()).startswith("band"))
    for corner, below in ((0, 7), (3, 4)):
        edges = sorted((b.get_path().vertices[corner, 1], b.get_path().vertices[below, 1]) for b in bands)
        assert len(edges) == 6
        assert all(low[0] <= high[1] + 1e-9 for low, high in pairwise(edges))
    bars: list[Any] = drawing.figure.findobj(lambda artist: str(artist.get_label()).startswith("bar"))
    heights = {bar.get_label(): bar.get_height() for bar in bars}
    assert heights["bar correct 0"] == 3
    assert heights["bar incorrect 1"] == 4


def test_accuracy_is_that_of_the_table_with_its_interval(arms: tuple[ArmView, ...]) -> None:
    for view in arms:
        for (round_, value, low, high), accuracy in zip(accuracy_points(view), view.summary.accuracy, strict=True):
            assert accuracy.interval
            assert (value, low, high) == (
                100 * accuracy.solved / accuracy.n,
                100 * accuracy.interval.low,
                100 * accuracy.interval.high,
            )
            assert round_ in view.rounds
    (axes,) = panels(draw_accuracy(arms))
    assert len(axes.containers) == 3
    line, _, (bars,) = axes.containers[1].lines
    assert list(line.get_ydata()) == [60, 40, 60]
    interval = arms[1].summary.accuracy[0].interval
    assert interval
    assert bars.get_segments()[0][:, 1] == pytest.approx([100 * interval.low, 100 * interval.high])
    assert axes.get_xlabel() == "round (0 is the first attempt)"
    assert axes.get_ylabel() == "solved by the last attempt (%)"


def test_a_round_where_nothing_is_judged_has_no_point() -> None:
    (view,) = look({"none": ["x?", ".?"]}, rounds=1)
    assert [round_ for round_, *_ in accuracy_points(view)] == [0]
    assert [round_ for round_, *_ in token_points(view)] == [0]


@pytest.mark.parametrize("which", [ARMS, MANY])
def test_no_figure_calls_an_oracle_arm_pass_at_1(which: str) -> None:
    arms = look({name: ["x.", ".x"] for name in which.split(",")}, rounds=1)
    for draw in FIGURES.values():
        drawing = draw(arms)
        text = " ".join(" ".join(words(drawing)).split())
        assert "never pass@1" in text
        assert "pass@1" not in text.replace("never pass@1", "")
    assert "oracle content and stop" in " ".join(words(draw_accuracy(look({"oracle_trace": ["x"]}, rounds=0))))


def test_oracle_arms_are_hollow_and_dashed(arms: tuple[ArmView, ...]) -> None:
    for draw in (draw_accuracy, draw_tokens):
        (axes,) = panels(draw(arms))
        lines = [line for line in axes.lines if len(line.get_xdata()) == 3 and line.get_marker() in "os^"]
        assert [line.get_linestyle() for line in lines] == ["-", "-", "--"]
        assert [line.get_markerfacecolor() == "white" for line in lines] == [False, False, True]


def test_tokens_are_what_was_spent_when_the_attempt_was_there() -> None:
    record = make_episode("t", "intrinsic", "..x")  # three actor calls of 15 tokens
    critics = tuple(CallRecord("critic", round_, 100, 20, "stop", 0, 1.0) for round_ in range(3))
    record = replace(record, calls=(*record.calls, *critics))
    (view,) = seen([record], "intrinsic", 2, ["t", "not run"])
    assert tokens_by_round(view) == [15, 150, 405]  # the last critic, whom nothing follows, is in the last sum
    assert tokens_by_round(view)[-1] == view.summary.tokens.total
    (axes,) = panels(draw_tokens([view]))
    assert [tuple(point) for point in axes.lines[0].get_xydata()] == [(15, 0), (150, 0), (405, 50)]
    assert axes.get_xscale() == "log"
    assert {"r0", "r1", "r2"} <= {text.get_text() for text in axes.texts}


def test_the_grid_marks_each_flip_in_its_cell(arms: tuple[ArmView, ...]) -> None:
    drawn, left_out = rows(arms)
    assert left_out == 0
    order = [row.units[0] for row in drawn]
    assert order[0] == ("HumanEval/0", 0)  # solved the most
    grid = panels(draw_tasks(arms))
    for axes, view in zip(grid, arms, strict=True):
        marked = {
            (order[int(y)], int(x)): collection.get_label().removeprefix("flips ")
            for collection in axes.collections
            if str(collection.get_label()).startswith("flips")
            for x, y in collection.get_offsets()
        }
        assert marked == flips(view)
        cells = sum(len(c.get_paths()) for c in axes.collections if str(c.get_label()).startswith("cells"))
        assert cells == 5 * 3
    assert [label.get_text() for label in grid[0].get_yticklabels()] == [unit[0][-1] for unit in order]


def test_many_units_are_folded_by_how_they_fared() -> None:
    lines = ["xx", "x.", "..", "xx"] * 60
    drawn, left_out = rows(look({"none": lines, "intrinsic": lines}, rounds=1))
    assert (len(drawn), left_out) == (3, 0)
    assert sorted(len(row.units) for row in drawn) == [60, 60, 120]
    assert drawn[0].label == "120 alike"
    assert len(lines) > ROWS_UP_TO
    varied = [f"{n:09b}".replace("1", "x").replace("0", ".") for n in range(300)]
    drawn, left_out = rows(look({"none": varied}, rounds=8))
    assert (len(drawn), left_out) == (ROWS_UP_TO, 100)
    assert "100 units are not drawn" in draw_tasks(look({"none": varied}, rounds=8)).caption
