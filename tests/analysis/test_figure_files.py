"""Figures as one sees them: words that fit, files that are the same each time, and runs of every shape."""

from __future__ import annotations

import sys
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib import colors
from matplotlib.colors import to_rgb, to_rgba
from tests.analysis.drawn import ARMS, MANY, Marks, look, mixed, named, panels, seen, words

from banchu.analysis.figures import FIGURES, ArmView, draw_flows, draw_tasks, render
from banchu.analysis.figures.style import COLOURS, STATE_FILL
from banchu.analysis.figures.tokens import draw_tokens
from banchu.analysis.figures.views import why_nothing

pytestmark = pytest.mark.slow  # drawing takes its time


@pytest.fixture
def arms() -> tuple[ArmView, ...]:
    return mixed()


def test_164_tasks_are_legible() -> None:
    lines = [("x." * 2)[n % 2 :][:3] for n in range(164)]
    drawing = draw_tasks(look(dict.fromkeys(ARMS.split(","), lines), rounds=2))
    drawing.figure.draw_without_rendering()
    labels = [label.get_window_extent() for label in drawing.figure.axes[0].get_yticklabels()]
    assert len(labels) == 164
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(labels))


@pytest.mark.parametrize(
    ("name", "which"), [*((name, ARMS) for name in FIGURES), ("accuracy", MANY), ("flows", MANY), ("tasks", MANY)]
)
def test_words_lie_inside_the_figure_and_not_on_the_caption(name: str, which: str) -> None:
    drawing = FIGURES[name](look({arm: ["x.x", "...", ".?x", "", ".!"] for arm in which.split(",")}, rounds=2))
    drawing.figure.draw_without_rendering()
    (caption,) = named(drawing, "caption")
    below = caption.get_window_extent()
    assert "n = 5 tasks in each arm" in drawing.caption
    assert "Not run yet" in drawing.caption
    body, _ = drawing.figure.subfigs
    drawn = body.get_tightbbox()
    width, height = drawing.figure.bbox.size
    assert drawn.y0 >= below.y1
    assert min(drawn.x0, width - drawn.x1, height - drawn.y1) > -2
    assert below.x0 >= 0
    assert below.y0 >= 0
    assert below.x1 <= width


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("marks", "rounds"),
    [
        ({"none": ["x"]}, 0),
        ({"none": ["?"]}, 0),
        ({"none": ["!"]}, 1),
        ({"none": ["", "x."], "oracle_stop": ["x", ""]}, 1),
        ({"none": [".x" * 5], "intrinsic": [""]}, 9),
    ],
)
def test_small_and_unfinished_runs_are_drawn(name: str, marks: Marks, rounds: int) -> None:
    drawing = FIGURES[name](look(marks, rounds))
    assert render(drawing, "png").startswith(b"\x89PNG")
    assert drawing.title in words(drawing)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_to_draw_is_said(name: str) -> None:
    for arms, reason in (
        (look({"none": [""]}, 1), "No episode of this run has ended yet"),
        (seen([], "none", 1, []), "This run has no tasks"),
        ((), "This run has no arms"),
    ):
        assert why_nothing(arms).startswith(reason)
        assert any(reason in text for text in words(FIGURES[name](arms)))


@pytest.mark.parametrize("name", FIGURES)
def test_a_file_is_the_same_whatever_the_user_has_set(name: str, arms: tuple[ArmView, ...]) -> None:
    arms = arms[1:]
    once = {form: render(FIGURES[name](arms), form) for form in ("png", "svg")}
    with mpl.rc_context({"font.size": 20, "savefig.dpi": 30, "svg.hashsalt": None, "axes.facecolor": "red"}):
        again = {form: render(FIGURES[name](arms), form) for form in ("png", "svg")}
        assert mpl.rcParams["font.size"] == 20
    assert once == again
    assert b"date" not in once["svg"].split(b"<defs>")[0].lower()
    ElementTree.fromstring(once["svg"])
    assert "matplotlib.pyplot" not in sys.modules


def test_what_was_drawn_before_does_not_show(arms: tuple[ArmView, ...]) -> None:
    files = []
    for alpha in (1, 1.0):
        colors.colorConverter.cache.clear()  # public: it holds 1 or 1.0, whichever was asked for first
        for colour in (fill for fill, _ in STATE_FILL.values()):
            to_rgba(colour, alpha)
        files.append(render(draw_flows(arms), "svg"))
    assert files[0] == files[1]


@pytest.mark.parametrize("name", FIGURES)
def test_names_that_nobody_expects_are_drawn(name: str) -> None:
    tasks = ["$x$ <&> --", "반추", "line\nbreak\x00\x1b", "🙂" * 60, "a" * 300, "%s {} \\frac"]
    drawing = FIGURES[name](look({"none": ["x.", ".x", "..", "xx", "x", "?"]}, 1, tasks=tasks))
    ElementTree.fromstring(render(drawing, "svg"))


def test_states_and_arms_differ_without_colour() -> None:
    def grey(colour: str) -> float:
        red, green, blue = to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert grey(STATE_FILL["incorrect"][0]) - grey(STATE_FILL["correct"][0]) > 0.4
    assert len({(fill, hatch) for fill, hatch in STATE_FILL.values()}) == len(STATE_FILL)
    assert len(set(COLOURS)) == len(COLOURS)
    lines = look({name: ["x.", ".x"] for name in MANY.split(",")}, rounds=1)
    (axes,) = panels(draw_tokens(lines))
    assert len({(line.get_marker(), line.get_linestyle()) for line in axes.lines}) == len(lines)
