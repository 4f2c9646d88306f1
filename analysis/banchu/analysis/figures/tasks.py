"""The grid of tasks × rounds for each arm: every unit a row, the same row in each arm, each flip marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from banchu.analysis.figures.style import BROKEN, STATE_FILL, Drawing, house_style, message, new_page, shown
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
from banchu.analysis.outcomes import Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Each task at each round"
ROWS_UP_TO = 200
"""More units are folded: those that fared alike in every arm at every round share a row."""
_ROW_IN = 0.115
_TITLE_COLUMNS = 0.17
"""Columns that one letter of a leaning title is wide."""
_CARRIED = 0.3
"""Height of a cell whose answer is that of an earlier round, where a new one is 0.86."""


@dataclass(frozen=True, slots=True)
class Row:
    """Units that share a row: one, or all that fared alike."""

    units: tuple[Unit, ...]
    label: str


def flips(view: ArmView) -> dict[tuple[Unit, int], str]:
    """`i→c` or `c→i` of each unit at each round that changed it."""
    found = {}
    for unit in view.table.units:
        states = [view.state(unit, round_) for round_ in view.drawn]
        for round_ in range(1, len(states)):
            change = (states[round_ - 1], states[round_])
            if change == ("incorrect", "correct"):
                found[unit, round_] = "i→c"
            elif change == ("correct", "incorrect"):
                found[unit, round_] = "c→i"
    return found


def rows(arms: Sequence[ArmView]) -> tuple[list[Row], int]:
    """The rows, best solved first and like beside like, and how many units there was no room for."""
    patterns = {unit: _pattern(arms, unit) for unit in arms[0].table.units}
    ordered = sorted(patterns, key=lambda unit: (-sum(s == 0 for s in patterns[unit]), patterns[unit]))
    names = _names(ordered, arms[0].table.repeats)
    if len(ordered) <= ROWS_UP_TO:
        return [Row((unit,), names[unit]) for unit in ordered], 0
    alike: dict[tuple[int, ...], list[Unit]] = {}
    for unit in ordered:
        alike.setdefault(patterns[unit], []).append(unit)
    folded = [
        Row(tuple(units), names[units[0]] if len(units) == 1 else f"{len(units)} alike") for units in alike.values()
    ]
    return folded[:ROWS_UP_TO], sum(len(row.units) for row in folded[ROWS_UP_TO:])


def draw_tasks(arms: Sequence[ArmView]) -> Drawing:
    """The figure; a message where nothing has run."""
    with house_style():
        if why := why_nothing(arms):
            return message(TITLE, why)
        drawn, left_out = rows(arms)
        widths = [len(view.drawn) + 0.6 for view in arms]
        # The last title leans out of its panel: an empty one takes it.
        if (beyond := _TITLE_COLUMNS * len(_wrapped(arms[-1])) - widths[-1]) > 0:
            widths.append(beyond)
        size_in = max(6.6, 1.4 + 0.3 * sum(widths)), 1.6 + _ROW_IN * max(len(drawn), 4)
        page = new_page(*size_in, TITLE, _caption(arms, left_out))
        grid = page.body.subplots(1, len(widths), sharey=True, squeeze=False, width_ratios=widths)
        for axes, view in zip(grid[0], arms, strict=False):
            _panel(axes, view, drawn)
        for axes in grid[0][len(arms) :]:
            axes.remove()
        first = grid[0][0]
        first.set_yticks(range(len(drawn)), [row.label for row in drawn], fontsize=5.5 if len(drawn) > 30 else 7)
        first.set_ylabel(f"task{' #repeat' * (arms[0].table.repeats > 1)}{_common(arms)}")
        page.body.supxlabel("round", fontsize=9)
        return page.drawing


def _pattern(arms: Sequence[ArmView], unit: Unit) -> tuple[int, ...]:
    return tuple(STATES.index(view.state(unit, round_)) for view in arms for round_ in view.drawn)


def _panel(axes: Axes, view: ArmView, drawn: Sequence[Row]) -> None:
    cells: dict[State, list[tuple[float, float, float]]] = {}
    changed = flips(view)
    marks: dict[str, list[tuple[int, int]]] = {"i→c": [], "c→i": []}
    for y, row in enumerate(drawn):
        unit = row.units[0]
        for round_ in view.drawn:
            carried = len(row.units) == 1 and _carried(view, unit, round_)
            cells.setdefault(view.state(unit, round_), []).append((round_, y, _CARRIED if carried else 0.86))
            if (unit, round_) in changed:
                marks[changed[unit, round_]].append((round_, y))
    for state, boxes in cells.items():
        _cells(axes, state, boxes)
    _marks(axes, "i→c", marks["i→c"], "^", "white", "white")
    _marks(axes, "c→i", marks["c→i"], "v", BROKEN, "black")
    axes.set_xlim(-0.55, view.drawn[-1] + 0.55)
    axes.set_ylim(len(drawn) - 0.4, -0.6)
    axes.set_xticks(list(view.drawn), [str(round_) for round_ in view.drawn], fontsize=7)
    axes.xaxis.set_ticks_position("both")
    axes.tick_params(length=0, labeltop=len(drawn) > 40)
    axes.set_title(_wrapped(view), fontsize=6.5, loc="left", rotation=30 if len(view.arm.name) > 5 else 0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _cells(axes: Axes, state: State, boxes: Sequence[tuple[float, float, float]]) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    fill, hatch = STATE_FILL[state]
    axes.add_collection(
        PatchCollection(
            [Rectangle((x - 0.46, y - height / 2), 0.92, height) for x, y, height in boxes],
            facecolor=fill,
            hatch=hatch,
            edgecolor="#8C8C8C",
            linewidth=0.3,
            linestyle=":" if state == "not run" else "-",
            label=f"cells {state}",
        )
    )


def _marks(axes: Axes, kind: str, places: Sequence[tuple[int, int]], marker: str, fill: str, edge: str) -> None:
    if places:
        axes.scatter(
            [x for x, _ in places],
            [y for _, y in places],
            s=22,
            marker=marker,
            facecolor=fill,
            edgecolor=edge,
            linewidth=0.6,
            zorder=3,
            label=f"flips {kind}",
        )


def _carried(view: ArmView, unit: Unit, round_: int) -> bool:
    """Whether an earlier attempt stands here, because the episode had ended well."""
    episode = view.table.episodes.get(unit)
    if episode is None or view.table.lost_to_error(unit, round_):
        return False
    return all(judged.attempt.round != round_ for judged in episode.attempts)


def _wrapped(view: ArmView) -> str:
    return shown(view.arm.name.replace("+", " +"), 34)


def _names(units: Sequence[Unit], repeats: int) -> dict[Unit, str]:
    tasks = {task for task, _ in units}
    short = len({task.rpartition("/")[0] for task in tasks}) == 1
    return {
        (task, repeat): shown(task.rpartition("/")[2] if short else task, 24) + f" #{repeat}" * (repeats > 1)
        for task, repeat in units
    }


def _common(arms: Sequence[ArmView]) -> str:
    prefixes = {task.rpartition("/")[0] for task in arms[0].table.task_ids}
    prefix = prefixes.pop() if len(prefixes) == 1 else ""
    return f" ({shown(prefix, 24)}/…)" if prefix else ""


def _caption(arms: Sequence[ArmView], left_out: int) -> str:
    kinds = {view.state(unit, round_) for view in arms for unit in view.table.units for round_ in view.drawn}
    odd: dict[State, str] = {
        "unjudged": "dotted: unjudged",
        "error": "crossed: a model error",
        "not run": "empty: not run",
    }
    others = "".join(f"; {text}" for state, text in odd.items() if state in kinds)
    parts = [
        f"{size(arms)}. Dark: correct; light: incorrect{others}.",
        "▲ incorrect→correct, ▼ correct→incorrect. Thin: the episode had stopped, its answer stands.",
        "A row is the same task in each arm; best solved on top.",
        "Tasks that fared alike in every arm share a row." if len(arms[0].table.units) > ROWS_UP_TO else "",
        f"{left_out} units are not drawn." if left_out else "",
        oracle_note(arms),
        counted_apart(arms),
        left_out_note(arms),
    ]
    return " ".join(part for part in parts if part)
