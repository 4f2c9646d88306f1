"""Accuracy of the last attempt at each round, with its interval: all arms in one panel, or one panel an arm."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from banchu.analysis.figures.style import COLOURS, MARKERS, Drawing, house_style, message, new_page, shown
from banchu.analysis.figures.views import ArmView, counted_apart, dashed_note, size, why_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Accuracy by round"
ONE_PANEL_UP_TO = 5
"""More lines than this in one panel are a knot."""
_SPREAD = 0.36
"""Of the distance between two rounds, what the arms of one round share, so that intervals stand side by side."""
_PALE = "#BDBDBD"

Point = tuple[int, float, float, float]
"""(round, accuracy, low, high), in percent."""


def accuracy_points(view: ArmView) -> list[Point]:
    """The points of one arm. A round where nothing is judged has none."""
    return [
        (round_, 100 * a.value, 100 * a.interval.low, 100 * a.interval.high)
        for round_, a in enumerate(view.summary.accuracy)
        if a.value is not None and a.interval is not None
    ]


def draw_accuracy(arms: Sequence[ArmView]) -> Drawing:
    """The figure; a message where nothing has run. Oracle arms are dashed with hollow markers."""
    with house_style():
        if why := why_nothing(arms):
            return message(TITLE, why)
        one = len(arms) <= ONE_PANEL_UP_TO
        width, height = (6.6, 4.0 + 0.18 * len(arms)) if one else _grid_size(len(arms))
        page = new_page(width, height, TITLE, _caption(arms))
        if one:
            axes = page.body.add_subplot()
            for n, view in enumerate(arms):
                _line(axes, view, n, _SPREAD * ((n + 0.5) / len(arms) - 0.5))
            _dress(axes, arms)
            axes.set_ylabel("solved by the last attempt (%)")
            axes.set_xlabel("round (0 is the first attempt)")
            page.body.legend(loc="outside lower left", ncols=1)
        else:
            _small_multiples(page.body.subplots(*_grid(len(arms)), sharex=True, sharey=True, squeeze=False), arms)
            page.body.supxlabel("round (0 is the first attempt)", fontsize=9)
            page.body.supylabel("solved by the last attempt (%)", fontsize=9)
        return page.drawing


def _small_multiples(grid: Any, arms: Sequence[ArmView]) -> None:
    for n, axes in enumerate(grid.flat):
        if n >= len(arms):
            axes.set_axis_off()
            continue
        for other in arms:
            points = accuracy_points(other)
            axes.plot([p[0] for p in points], [p[1] for p in points], color=_PALE, lw=0.7, zorder=1)
        _line(axes, arms[n], 0, 0.0)
        _dress(axes, arms)
        axes.set_title(f"{shown(arms[n].arm.name)}\n{arms[n].arm.claims}", fontsize=7.5, loc="left")


def _line(axes: Axes, view: ArmView, n: int, shift: float) -> None:
    points = accuracy_points(view)
    colour = COLOURS[n % len(COLOURS)]
    axes.errorbar(
        [round_ + shift for round_, *_ in points],
        [value for _, value, _, _ in points],
        yerr=[[max(v - low, 0) for _, v, low, _ in points], [max(high - v, 0) for _, v, _, high in points]],
        color=colour,
        marker=MARKERS[n % len(MARKERS)],
        markerfacecolor="white" if view.arm.uses_oracle else colour,
        linestyle="--" if view.arm.uses_oracle else "-",
        markersize=6,
        linewidth=1.4,
        elinewidth=0.9,
        capsize=2.5,
        label=shown(view.label, 90),
    )


def _dress(axes: Axes, arms: Sequence[ArmView]) -> None:
    last = max(view.table.rounds for view in arms)
    axes.set_xticks(range(0, last + 1, 1 + last // 12))
    axes.set_xlim(-0.5, last + 0.5)
    axes.set_ylim(-3, 103)
    axes.grid(visible=True, axis="y")
    axes.set_axisbelow(True)


def _grid(count: int) -> tuple[int, int]:
    columns = 3 if count <= 9 else 4
    return ceil(count / columns), columns


def _grid_size(count: int) -> tuple[float, float]:
    rows, columns = _grid(count)
    return 2.5 * columns, 1.9 * rows + 0.8


def _caption(arms: Sequence[ArmView]) -> str:
    several = len(arms) > ONE_PANEL_UP_TO
    parts = [
        f"{size(arms)}; bars: 95 % Wilson intervals{', at the effective size with repeats' * _repeats(arms)}.",
        "An episode that stopped early carries its last attempt forward.",
        "Grey: the other arms." if several else "",
        dashed_note(arms),
        counted_apart(arms),
    ]
    return " ".join(part for part in parts if part)


def _repeats(arms: Sequence[ArmView]) -> bool:
    return arms[0].table.repeats > 1
