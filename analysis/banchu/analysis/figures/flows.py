"""Flows between rounds: how many right answers stayed, broke or were repaired, counts written on the bands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from banchu.analysis.figures.style import (
    BROKEN,
    FIXED,
    SMALL,
    STATE_FILL,
    Drawing,
    house_style,
    message,
    new_page,
    shown,
)
from banchu.analysis.figures.views import (
    STATES,
    ArmView,
    State,
    counted_apart,
    left_out_note,
    oracle_note,
    size,
    why_nothing,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Flows between rounds"
Step = Counter[tuple[State, State]]
_BAR = 0.11
"""Half the width of a round's bar, in rounds."""
_GAP = 0.06
"""Between two states of one round, as a share of n."""


def flow_steps(view: ArmView) -> list[Step]:
    """For each two neighbouring rounds, how many units went from which state to which; every count sums to n."""
    return [
        Counter((view.state(unit, round_), view.state(unit, round_ + 1)) for unit in view.table.units)
        for round_ in view.drawn[:-1]
    ]


def state_counts(view: ArmView) -> list[Counter[State]]:
    """For each round, how many units are in which state."""
    return [Counter(view.state(unit, round_) for unit in view.table.units) for round_ in view.drawn]


def draw_flows(arms: Sequence[ArmView]) -> Drawing:
    """The figure, one panel an arm; a message where nothing has run."""
    with house_style():
        if why := why_nothing(arms):
            return message(TITLE, why)
        columns = 1 if len(arms) <= 3 else 2
        rows = ceil(len(arms) / columns)
        width = min(max(3.4, 1.5 * (max(len(view.drawn) for view in arms))), 9.0)
        page = new_page(max(6.6, columns * width), 2.1 * rows + 0.6, TITLE, _caption(arms))
        for n, axes in enumerate(page.body.subplots(rows, columns, squeeze=False).flat):
            if n < len(arms):
                _panel(axes, arms[n])
            else:
                axes.set_axis_off()
        return page.drawing


def _panel(axes: Axes, view: ArmView) -> None:
    n = len(view.table.units)
    counts = state_counts(view)
    tops = [_tops(count, _GAP * n) for count in counts]
    for round_, step in enumerate(flow_steps(view)):
        _bands(axes, round_, step, tops[round_], tops[round_ + 1])
    for round_, count in enumerate(counts):
        for state, number in count.items():
            _bar(axes, round_, state, tops[round_][state], number)
    axes.set_title(shown(view.label, 90), loc="left", fontsize=8.5)
    axes.set_xlim(-0.35, view.drawn[-1] + 0.35)
    axes.set_ylim(-n * (1 + _GAP * (len(STATES) - 1)) if _odd(counts) else -n * (1 + 2 * _GAP), n * 0.02)
    axes.set_xticks(list(view.drawn), [f"round {round_}" for round_ in view.drawn])
    axes.set_yticks([])
    axes.set_ylabel(f"units, n = {n}")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _odd(counts: Sequence[Counter[State]]) -> bool:
    return any(state not in ("correct", "incorrect") for count in counts for state in count)


def _tops(count: Counter[State], gap: float) -> dict[State, float]:
    """The upper edge of each state's bar, downwards from 0. States nobody is in take no room."""
    tops: dict[State, float] = {}
    y = 0.0
    for state in STATES:
        tops[state] = y
        if count[state]:
            y -= count[state] + gap
    return tops


def _bar(axes: Axes, round_: int, state: State, top: float, number: int) -> None:
    from matplotlib.patches import Rectangle

    fill, hatch = STATE_FILL[state]
    axes.add_patch(
        Rectangle(
            (round_ - _BAR, top - number),
            2 * _BAR,
            number,
            facecolor=fill,
            hatch=hatch,
            edgecolor="#303030",
            linewidth=0.7,
            zorder=3,
            label=f"bar {state} {round_}",
        )
    )
    name = str(number) if state in ("correct", "incorrect") else f"{number} {state}"
    axes.text(
        round_,
        top - number / 2,
        name,
        ha="center",
        va="center",
        fontsize=SMALL,
        color="white" if state == "correct" else "black",
        fontweight="bold",
        zorder=6,
        bbox=None if state in ("correct", "incorrect") else _PLATE,
    )


_PLATE = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def _bands(axes: Axes, round_: int, step: Step, left: dict[State, float], right: dict[State, float]) -> None:
    leaving, arriving = dict(left), dict(right)
    lefts: dict[tuple[State, State], float] = {}
    rights: dict[tuple[State, State], float] = {}
    for before in STATES:
        for after in STATES:
            lefts[before, after] = leaving[before]
            leaving[before] -= step[before, after]
    for after in STATES:
        for before in STATES:
            rights[before, after] = arriving[after]
            arriving[after] -= step[before, after]
    for pair in sorted(step, key=lambda pair: pair[0] != pair[1]):  # what changed lies above what stayed
        if step[pair]:
            _band(axes, round_, pair, step[pair], lefts[pair], rights[pair])


def _band(axes: Axes, round_: int, pair: tuple[State, State], number: int, left: float, right: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    x0, x1 = round_ + _BAR, round_ + 1 - _BAR
    middle = (x0 + x1) / 2
    corners = [
        (x0, left),
        (middle, left),
        (middle, right),
        (x1, right),
        (x1, right - number),
        (middle, right - number),
        (middle, left - number),
        (x0, left - number),
        (x0, left),
    ]
    curve = [Path.CURVE4] * 3
    path = Path(corners, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])
    colour, hatch, at = _look(pair)
    axes.add_patch(
        PathPatch(
            path,
            facecolor=colour,
            alpha=0.85 if pair[0] != pair[1] else 0.45,
            hatch=hatch,
            edgecolor="#303030" if pair[0] != pair[1] else "none",
            linewidth=0.5,
            zorder=2 if pair[0] != pair[1] else 1,
            label=f"band {pair[0]} {pair[1]} {round_}",
        )
    )
    axes.text(
        x0 + at * (x1 - x0),
        left - number / 2 + (right - left) * at * at * (3 - 2 * at),
        str(number),
        ha="center",
        va="center",
        fontsize=SMALL,
        zorder=5,
        bbox=_PLATE,
    )


def _look(pair: tuple[State, State]) -> tuple[str, str, float]:
    """Colour, hatch, and where along the band its count stands: bands that cross get theirs at opposite ends."""
    if pair == ("correct", "incorrect"):
        return BROKEN, "\\\\\\", 0.25
    if pair == ("incorrect", "correct"):
        return FIXED, "///", 0.75
    if pair[0] == pair[1]:
        return {"correct": "#56B4E9", "incorrect": "#BDBDBD"}.get(pair[0], "#EDEDED"), "", 0.5
    return "#F5F5F5", "", 0.38 if STATES.index(pair[0]) < STATES.index(pair[1]) else 0.62


def _caption(arms: Sequence[ArmView]) -> str:
    parts = [
        f"{size(arms)}. Dark bars: correct; light bars: incorrect.",
        "Bands with falling strokes: correct→incorrect; with rising strokes: incorrect→correct. "
        "Independent samples flip too: compare an arm with none."
        if any(view.table.rounds for view in arms)
        else "With one round nothing can flow.",
        oracle_note(arms),
        counted_apart(arms),
        left_out_note(arms),
    ]
    return " ".join(part for part in parts if part)
