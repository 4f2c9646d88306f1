"""What the figures say in plain words, and what they do not say."""

from __future__ import annotations

from collections.abc import Sequence

from banchu.analysis.arms import ArmSummary
from banchu.analysis.compare import Comparison
from banchu.analysis.ends import Cuts
from banchu.analysis.power import ALPHA
from banchu.analysis.tool_use import tool_notes
from banchu.core.chat import CallRole

CUT_NOTED = 0.03
"""The share of attempts that the token limit may cut before a larger one is advised."""
_REPLIES: dict[CallRole, str] = {
    "actor": "attempt",
    "critic": "review",
    "reflector": "reflection",
    "tester": "test list",
}
LEAST_TASKS = 6
"""The exact test cannot get below 2 / 2^n with n tasks that differ: 2 / 2^5 > 0.05 > 2 / 2^6."""


def read(comparison: Comparison) -> str:
    """One comparison as a sentence. "No difference can be seen" is not "there is none", and it says so."""
    if comparison.p_holm is None:
        return f"`{comparison.b}` against `{comparison.a}`: nothing to compare; no (task, repeat) is judged in both."
    counts = f"{comparison.solved_b} vs {comparison.solved_a} of {_size(comparison)} solved, {_p(comparison)}"
    tail = f"{counts}{_needed(comparison)}"
    if comparison.p_holm >= ALPHA:
        unshown = "does not show that it beats its control" if comparison.control else "against"
        return f"`{comparison.b}` {unshown} `{comparison.a}`: no difference can be seen: {tail}{_power(comparison)}."
    cost = f"{_cost(comparison)}{_oracle(comparison)}"
    if comparison.solved_b < comparison.solved_a:
        its_control = "its control " if comparison.control else ""
        return f"`{comparison.b}` solved fewer than {its_control}`{comparison.a}`: {tail}{cost}."
    if not comparison.control:
        return f"`{comparison.b}` solved more than `{comparison.a}`: {tail}{cost}."
    if comparison.beats_control:
        budgets = _and([each.budget for each in comparison.budgets])
        return f"`{comparison.b}` beats its control `{comparison.a}`, at equal {budgets}: {tail}{cost}."
    if comparison.ahead_of_control:
        return (
            f"`{comparison.b}` does not show that it beats its control `{comparison.a}`: it solved more ({tail}), but "
            f"the control was ended too early to spend as many {_and(comparison.unmatched)}{cost}."
        )
    return (
        f"`{comparison.b}` does not show that it beats its control `{comparison.a}`: it solved more in as many rounds "
        f"({tail}), {_lost_at(comparison)}{cost}."
    )


def caveats(comparison: Comparison) -> tuple[str, ...]:
    """What is not in the pairs, and what else differs between the two."""
    lines = []
    for run, units in ((comparison.a, comparison.missing_a), (comparison.b, comparison.missing_b)):
        if units:
            lines.append(f"{run}: {_count(len(units), 'episode')} not run, left out: {_names(units)}")
    for run, tasks in ((comparison.a, comparison.tasks_only_a), (comparison.b, comparison.tasks_only_b)):
        if tasks:
            lines.append(f"only {run} has {_count(len(tasks), 'task')}: {_names([(task, 0) for task in tasks])}")
    if comparison.unjudged:
        lines.append(f"{_count(comparison.unjudged, 'pair')} left out: unjudged on one side")
    if comparison.rounds_a != comparison.rounds_b:
        lines.append(
            f"unequal budgets: up to {comparison.rounds_a + 1} attempts in {comparison.a}, "
            f"{comparison.rounds_b + 1} in {comparison.b}"
        )
    return tuple(lines)


def budget_caveats(comparison: Comparison) -> tuple[str, ...]:
    """Where the control could not spend as much as the arm did."""
    short = [f"{each.budget} in {each.short} of {each.pairs} pairs" for each in comparison.budgets if each.short]
    if not short:
        return ()
    rounds = any(each.short > each.short_by_budget for each in comparison.budgets)
    remedies = [
        *(["the control with rounds=N of its own, such as none+gate=self_tests+rounds=40,"] if rounds else []),
        *(["a larger budget of each episode"] if any(each.short_by_budget for each in comparison.budgets) else []),
    ]
    remedy = (
        "its samples are independent, so more of them would not change what is expected of the last"
        if not comparison.unmatched
        else f"{' or '.join(remedies)} lets it go on"
    )
    return (f"{comparison.a} ended before it had spent as much as {comparison.b}: {', '.join(short)}; {remedy}",)


def notes(arms: Sequence[ArmSummary]) -> tuple[str, ...]:
    """What must stand beside the table of arms."""
    lines = [*_extremes(arms)]
    for arm in arms:
        if arm.oracle:
            lines.append(f"{arm.arm}: {arm.claims}; its figures are {arm.measure!r}, never pass@1")
        elif arm.prompts_with_sealed_text:
            lines.append(
                f"{arm.arm}: SEALED TEXT in {_count(arm.prompts_with_sealed_text, 'prompt')} of an arm that may not "
                f"see any; do not use its figures before `banchu show` explains them"
            )
        if arm.tools:
            lines += tool_notes(arm.arm, arm.tools, arm.episodes)
        if arm.chooses:
            lines.append(f"{arm.arm}: its figures are of an {arm.measure}, without any verdict")
        if arm.missing:
            lines.append(f"{arm.arm}: {arm.missing} of {arm.units} episodes not run; they count as not solved")
        if arm.errors:
            lines.append(f"{arm.arm}: {_count(arm.errors, 'episode')} ended by a model error, counted as not solved")
        if arm.unjudged_attempts:
            lines.append(f"{arm.arm}: {_count(arm.unjudged_attempts, 'attempt')} unjudged, left out of the averages")
        if arm.ends.by_budget:
            lines.append(
                f"{arm.arm}: {arm.ends.by_budget} of {arm.units} episodes were ended by their own budget; their last "
                f"attempt is their answer"
            )
        lines += _cut(arm)
    return tuple(lines)


def _cut(arm: ArmSummary) -> list[str]:
    """What the token limit did to it, and attempts without a program."""
    told = [_of_role(cuts) for cuts in arm.cuts if cuts.cut]
    many = any(cuts.role == "actor" and cuts.cut > CUT_NOTED * cuts.replies for cuts in arm.cuts)
    remedy = "; raise --max-tokens" if many else ""
    lines = [f"{arm.arm}: cut by the token limit: {', '.join(told)}{remedy}"] if told else []
    if arm.no_answer_attempts:
        lines.append(f"{arm.arm}: {_count(arm.no_answer_attempts, 'attempt')} held no program")
    return lines


def _of_role(cuts: Cuts) -> str:
    right = f" ({cuts.right} of them right)" if cuts.role == "actor" else ""
    return f"{cuts.cut} of {_count(cuts.replies, _REPLIES[cuts.role])}{right}"


def percent(value: float | None, unit: str = " %") -> str:
    """A fraction as `12.5 %`; a dash without data."""
    return "–" if value is None else f"{100 * value:.1f}{unit}"


def p_value(p: float | None) -> str:
    """A p-value as `0.031`, `0.42` or `<0.001`; a dash without data."""
    if p is None:
        return "–"
    if p < 0.001:
        return "<0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _extremes(arms: Sequence[ArmSummary]) -> list[str]:
    first = [arm.accuracy[0].value for arm in arms if arm.accuracy[0].value is not None]
    if first and not any(first):
        return [
            "a floor: no arm solved a task at round 0, so there is nothing to break and little can be compared; "
            "use easier tasks or a stronger model"
        ]
    if first and all(value == 1 for value in first):
        return ["a ceiling: every arm solved every task at round 0, so nothing is left to correct; use harder tasks"]
    return []


def _size(comparison: Comparison) -> str:
    if comparison.pairs == comparison.tasks:
        return str(comparison.pairs)
    return f"{comparison.pairs} ({_count(comparison.tasks, 'task')} with repeats)"


def _compared(p: float | None) -> str:
    """`= 0.031`, `< 0.001`."""
    shown = p_value(p)
    return f"{shown[0]} {shown[1:]}" if shown.startswith("<") else f"= {shown}"


def _p(comparison: Comparison) -> str:
    text = f"p {_compared(comparison.p_holm)}"
    return f"{text} (Holm over {comparison.comparisons})" if comparison.comparisons > 1 else text


def _power(comparison: Comparison) -> str:
    if comparison.tasks_that_differ >= LEAST_TASKS:
        return "; that does not show that they are equal"
    differ = _count(comparison.tasks_that_differ, "task")
    return f"; they differ on {differ}, and fewer than {LEAST_TASKS} can never show anything"


def _needed(comparison: Comparison) -> str:
    if comparison.tasks_needed is None:
        return ""
    return f"; to see this difference, about {comparison.tasks_needed} tasks are needed"


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _lost_at(comparison: Comparison) -> str:
    at = [
        f"{each.budget} ({each.solved_arm} vs {each.solved_control}, p {_compared(each.p)})"
        for each in comparison.budgets
        if each.p is None or each.p >= ALPHA or each.solved_arm <= each.solved_control
    ]
    if at:
        return f"but not at equal {', '.join(at)}"
    return f"but corrected for all controls p {_compared(comparison.p_control_holm)} over its budgets"


def _cost(comparison: Comparison) -> str:
    cheap, dear = sorted((comparison.tokens_a, comparison.tokens_b))
    if cheap == 0 or dear < 1.1 * cheap:
        return ""
    spender = comparison.b if comparison.tokens_b > comparison.tokens_a else comparison.a
    return f"; `{spender}` used {dear / cheap:.1f} times the tokens"


def _oracle(comparison: Comparison) -> str:
    if comparison.oracle_a == comparison.oracle_b:
        return ""
    arm, claims = (comparison.a, comparison.claims_a) if comparison.oracle_a else (comparison.b, comparison.claims_b)
    return f"; `{arm}` had help from the sealed tests ({claims}), which is not self-correction"


def _names(units: Sequence[tuple[str, int]], most: int = 6) -> str:
    names = [task if repeat == 0 else f"{task} repeat {repeat}" for task, repeat in units]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
