"""Accuracy against tokens: what each round of each arm had cost when its attempt was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from banchu.analysis.figures.style import (
    COLOURS,
    MARKERS,
    SMALL,
    Drawing,
    house_style,
    message,
    new_page,
    shown,
)
from banchu.analysis.figures.views import ArmView, counted_apart, dashed_note, size, why_nothing
from banchu.core.episode import CallRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Accuracy against tokens"
_LOG_FROM = 25
"""Costs further apart than this factor are told apart on a logarithmic axis only."""
_LABELLED_UP_TO = 5
"""Rounds are written beside the markers of so many arms; with more, one would cover another."""


def tokens_by_round(view: ArmView) -> list[float]:
    """Mean tokens (prompt and completion, every role) of an episode up to each round's attempt; [] where none ran.

    At round r: the actor's calls up to r, and what the other roles said before it. The last round holds every call, so
    it is the arm's total.
    """
    episodes = view.table.episodes.values()
    if not episodes:
        return []
    calls = [call for episode in episodes for call in episode.calls]
    last = view.table.rounds
    return [
        sum(c.prompt_tokens + c.completion_tokens for c in calls if round_ == last or _before(c, round_))
        / len(episodes)
        for round_ in view.rounds
    ]


def token_points(view: ArmView) -> list[tuple[int, float, float]]:
    """(round, mean tokens, accuracy in percent) of each round that has both."""
    costs = tokens_by_round(view)
    return [
        (round_, costs[round_], 100 * accuracy.value)
        for round_, accuracy in enumerate(view.summary.accuracy)
        if costs and accuracy.value is not None
    ]


def draw_tokens(arms: Sequence[ArmView]) -> Drawing:
    """The figure; a message where nothing has run."""
    with house_style():
        if why := why_nothing(arms):
            return message(TITLE, why)
        page = new_page(6.6, 4.0 + 0.18 * len(arms), TITLE, _caption(arms))
        axes = page.body.add_subplot()
        for n, view in enumerate(arms):
            _line(axes, view, n)
            if len(arms) <= _LABELLED_UP_TO:
                _label(axes, view)
        costs = [cost for view in arms for _, cost, _ in token_points(view) if cost > 0]
        logarithmic = bool(costs) and max(costs) > _LOG_FROM * min(costs)
        if logarithmic:
            axes.set_xscale("log")
        else:
            axes.set_xlim(0, max(costs, default=1) * 1.08)
        axes.set_ylim(-3, 103)
        axes.grid(visible=True, axis="both")
        axes.set_axisbelow(True)
        axes.set_xlabel(f"tokens per episode, cumulative, all roles{' (logarithmic)' * logarithmic}")
        axes.set_ylabel("solved by the last attempt (%)")
        page.body.legend(loc="outside lower left", ncols=1)
        return page.drawing


def _before(call: CallRecord, round_: int) -> bool:
    # A critic of round r speaks after attempt r: it is paid for by attempt r + 1.
    return call.round <= round_ if call.role == "actor" else call.round < round_


def _line(axes: Axes, view: ArmView, n: int) -> None:
    points = token_points(view)
    colour = COLOURS[n % len(COLOURS)]
    axes.plot(
        [cost for _, cost, _ in points],
        [value for _, _, value in points],
        color=colour,
        marker=MARKERS[n % len(MARKERS)],
        markerfacecolor="white" if view.arm.uses_oracle else colour,
        linestyle="--" if view.arm.uses_oracle else "-",
        markersize=6,
        linewidth=1.2,
        label=shown(view.label, 90),
    )


def _label(axes: Axes, view: ArmView) -> None:
    for round_, cost, value in token_points(view):
        axes.annotate(f"r{round_}", (cost, value), (4, 4), textcoords="offset points", fontsize=SMALL, color="#404040")


def _caption(arms: Sequence[ArmView]) -> str:
    parts = [
        f"{size(arms)}. One marker a round, r0 first.",
        "Tokens: the mean over episodes that ran, prompts and answers of every role, up to the round's attempt; "
        "the last marker holds every call.",
        dashed_note(arms),
        counted_apart(arms),
    ]
    return " ".join(part for part in parts if part)
