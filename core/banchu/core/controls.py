"""Controls: the arms that an arm must beat before anybody may say that its feedback was worth something.

An arm that is shown feedback has had more tries than one, has been asked twice, and may have stopped or chosen at a
good moment. Each control takes one of these away: fresh samples (more tries), samples behind the same gate (more tries
and the moment), the majority of samples (more tries and a choice), the placebo (being asked again), samples under the
same oracle (its stopping). They cost little beside each other: all of them draw the same samples.

Sources: Huang et al. 2024 (arXiv 2310.01798), equal responses; Olausson et al. 2024 (arXiv 2306.09896), equal programs
and tokens; Kamoi et al. 2024 (TACL), equal cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from math import ceil

from banchu.core.arm import RUN_BY_TESTS, Arm
from banchu.core.recalling import Recalling

SAMPLES_A_CALL = 2
"""Fresh samples that cost about as many tokens as one call of an arm that reads its own answers again."""


def controls_of(arm: Arm) -> tuple[Arm, ...]:
    """The controls of one arm, the closest first. `none` has none: it is what everything is measured against.

    A stop rule that a control cannot have (nobody accepts a fresh sample) leaves it with all rounds, which is never
    less than the arm had. How many rounds a control needs is the run's matter: see `missing_controls`.
    """
    if arm.tools != "off":
        plain = replace(arm, tools="off")  # the same arms with tools, and at last `none` without
        return tuple(replace(control, tools=arm.tools) for control in controls_of(plain)) or (plain,)
    none, majority = Arm.parse("none"), Arm.parse("none+choose=majority")
    if same_arm(arm, none):
        return ()
    if arm.recalls:
        # Somebody else's lessons: more text, and that it may help to be told anything. Then the arm as it is without.
        others = arm.control == "nothing" and arm.memory != "task"
        return (*([replace(arm, control="shuffled")] if others else []), without_recall(arm))
    if not arm.shows_feedback:
        # Gates, votes and stop rules of resampling, the oracle's among them: against samples that nothing looks at.
        return (none,)
    if arm.oracle_stops:
        return (Arm.parse("oracle_stop"),)
    placebo = _with_stop_of(arm, Arm.parse("placebo"), ("same", "done"))
    if same_arm(arm, placebo):
        return (_with_stop_of(arm, none, ("same",)),)
    if arm.judge_of_attempts in RUN_BY_TESTS and (arm.stop == "accepted" or arm.choose == "best"):
        gated = Arm.parse(f"none+gate={arm.judge_of_attempts}")
        stop = arm.stop if arm.stop in ("accepted", "rounds", "same") else "rounds"
        closest = replace(gated, tests=arm.tests, stop=stop, same=arm.same, choose=arm.choose)
    else:
        closest = _with_stop_of(arm, none, ("same",))
    return tuple(dict.fromkeys((closest, majority, placebo)))


def companions_of(arm: Arm) -> tuple[Arm, ...]:
    """Arms that are no controls, and without which something cannot be taken apart: an oracle (its content without its
    stop, and neither), or tools (the same critic without them)."""
    if arm.source == "tools":
        return (replace(arm, source="intrinsic"),)
    if not arm.oracle_content or not arm.oracle_stops:
        return ()
    return (replace(arm, stop="rounds"), replace(Arm.parse("none"), tools=arm.tools))


def missing_controls(arms: Iterable[Arm], rounds: int) -> tuple[Arm, ...]:
    """The controls and companions of these arms, and those of what is added, that are not among them. Each once.

    Args:
        rounds: of arms that have no number of their own. A control is given more where it needs them to spend as many
            calls and tokens as its arm.
    """
    given = list(arms)
    there = [arm for arm in given if arm.rounds_in(rounds)]  # a first attempt is the same in all arms
    known = {canonical(arm) for arm in given}
    missing: dict[Arm, Arm] = {}
    for arm in there:  # grows below: a control has controls of its own
        wanted = [(control, _rounds_of(control, arm, rounds)) for control in controls_of(arm)]
        wanted += [(companion, arm.rounds_in(rounds)) for companion in companions_of(arm)]
        for control, needed in wanted:
            key = canonical(control)
            if key not in known:
                known.add(key)
                missing[key] = control
                there.append(control)
            if key in missing and needed > missing[key].rounds_in(rounds):
                missing[key] = replace(missing[key], rounds=needed)
    return tuple(missing.values())


def is_control(control: Arm, arm: Arm) -> bool:
    """Whether the first is one of the second's controls, however it is spelt."""
    return any(same_arm(control, found) for found in controls_of(arm))


def same_arm(a: Arm, b: Arm) -> bool:
    """Whether two spellings mean the same condition, but for how many rounds it has."""
    return canonical(a) == canonical(b)


def without_recall(arm: Arm) -> Arm:
    """The same arm, which reads nothing of earlier episodes."""
    return replace(arm, **asdict(Recalling()))


def canonical(arm: Arm) -> Arm:
    """One spelling for all of the same condition: `none+stop=oracle` is `oracle_stop`; rounds are left out."""
    plain, none = replace(arm, rounds=None), replace(Arm.parse("none"), tools=arm.tools)
    return replace(none, source="oracle_stop", stop="oracle") if plain == replace(none, stop="oracle") else plain


def _with_stop_of(arm: Arm, control: Arm, rules: tuple[str, ...]) -> Arm:
    return replace(control, stop=arm.stop, same=arm.same) if arm.stop in rules else control


def _rounds_of(control: Arm, arm: Arm, rounds: int) -> int:
    """Rounds after which the control has spent what the arm can spend."""
    own = arm.rounds_in(rounds)
    if without_recall(control) == without_recall(arm):
        return own  # the same calls
    lessons = own if arm.search != "tree" else ceil(own / arm.width)  # revisions of one attempt share one
    calls = own * (1 + arm.asks_the_critic) + (lessons if arm.window else 0)
    if same_arm(replace(control, tools="off"), Arm.parse("none")) or not arm.shows_feedback:
        return own  # the last of independent samples: more of them are no better
    return calls if control.shows_feedback else SAMPLES_A_CALL * calls
