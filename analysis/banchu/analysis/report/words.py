"""The summary in plain words, before any table."""

from __future__ import annotations

from collections.abc import Sequence

from banchu.analysis.arms import Accuracy
from banchu.analysis.figures.views import ArmView
from banchu.analysis.reading import read
from banchu.analysis.report.markdown import inline
from banchu.analysis.summary import RunSummary
from banchu.experiments.config import RunConfig


def in_plain_words(config: RunConfig, summary: RunSummary, arms: Sequence[ArmView], spent: str = "") -> str:
    """What was asked, how far it got, what each arm did, and what the comparisons allow to say.

    Args:
        spent: the budget of the run that ended it early; empty: none did.
    """
    planned = sum(len(view.table.outcomes) for view in arms)
    ended = sum(len(view.table.episodes) for view in arms)
    attempts = 1 + max((arm.rounds for arm in summary.arms), default=summary.rounds)
    repeats = "" if summary.repeats == 1 else f", {summary.repeats} times each"
    lines = [
        f"`{config.model}` worked on {_count(summary.tasks, 'task')} of `{config.benchmark}`{repeats}, in "
        f"{_count(len(arms), 'arm')}, with up to {_count(attempts, 'attempt')}."
    ]
    if ended < planned:
        lines.append(
            f"**This run is not finished**: {ended} of {planned} episodes have ended. What has not been run counts as "
            f"not solved, so every number below will change."
        )
        lines += [f"It was ended by its budget: {inline(spent)}."] if spent else []
    told = [f"- {inline(_arm(view))}" for view in arms if view.table.episodes]
    readings = [f"- {inline(read(comparison))}" for comparison in summary.comparisons]
    return "\n\n".join([*lines, *(["\n".join([*told, *readings])] if told else [])])


def _arm(view: ArmView) -> str:
    first, last = view.summary.accuracy[0], view.summary.accuracy[-1]
    text = f"`{view.arm.name}` ({view.arm.claims}): {_solved(first)} solved by the first attempt"
    if view.summary.flips is not None:
        fixed, broken = view.summary.flips.incorrect_correct, view.summary.flips.correct_incorrect
        by = "the answer chosen" if view.arm.chooses else "the last"
        text += f", {_solved(last)} by {by}; {fixed} wrong answers were repaired, {broken} right ones broken"
    if view.arm.uses_oracle:
        text += f". It had help from the sealed tests: this is {view.summary.measure!r}, never pass@1"
    return f"{text}."


def _solved(accuracy: Accuracy) -> str:
    return f"{accuracy.solved} of {accuracy.n}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
