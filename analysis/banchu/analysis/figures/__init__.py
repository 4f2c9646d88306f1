"""The figures of a run: `views`, then one of `FIGURES`, then `render`.

They need matplotlib (`pip install 'banchu[figures]'`), which is imported when something is drawn, never before.
"""

from collections.abc import Callable, Sequence
from typing import Final

from banchu.analysis.figures.accuracy import draw_accuracy
from banchu.analysis.figures.flows import draw_flows
from banchu.analysis.figures.style import Drawing, need_matplotlib, render
from banchu.analysis.figures.tasks import draw_tasks
from banchu.analysis.figures.tokens import draw_tokens
from banchu.analysis.figures.views import ArmView, views, why_nothing

FIGURES: Final[dict[str, Callable[[Sequence[ArmView]], Drawing]]] = {
    "accuracy": draw_accuracy,
    "flows": draw_flows,
    "tokens": draw_tokens,
    "tasks": draw_tasks,
}
"""By name: what draws it. Each takes the arms of one run and gives a `Drawing`."""

__all__ = [
    "FIGURES",
    "ArmView",
    "Drawing",
    "draw_accuracy",
    "draw_flows",
    "draw_tasks",
    "draw_tokens",
    "need_matplotlib",
    "render",
    "views",
    "why_nothing",
]
