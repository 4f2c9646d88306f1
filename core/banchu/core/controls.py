"""Controls: the arms that an arm must beat before anybody may say that its feedback was worth something.

An arm that is shown feedback has had more tries than one, has been asked twice, and may have stopped at a good moment.
Each control takes one of these away: fresh samples (more tries), samples behind the same gate (more tries and the
moment), the placebo (being asked again), samples under the same oracle (its stopping).

Sources: Huang et al. 2024 (arXiv 2310.01798), equal responses; Olausson et al. 2024 (arXiv 2306.09896), equal programs
and tokens; Kamoi et al. 2024 (TACL), equal cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from banchu.core.arm import Arm


def controls_of(arm: Arm) -> tuple[Arm, ...]:
    """The controls of one arm, the closest first. `none` has none: it is what everything is measured against.

    A stop rule that a control cannot have (nobody accepts a fresh sample) leaves it with all rounds, which is never
    less than the arm had.
    """
    none, oracle_stop = Arm.parse("none"), Arm.parse("oracle_stop")
    if arm == none:
        return ()
    if not arm.shows_feedback:
        # Gates and stop rules of resampling, the oracle's among them: against samples that nothing looks at.
        return (none,)
    if arm.oracle_stops:
        return (oracle_stop,)
    placebo = _with_stop_of(arm, Arm.parse("placebo"), ("same", "done"))
    if arm == placebo:
        return (_with_stop_of(arm, none, ("same",)),)
    if arm.stop == "accepted" and arm.writes_tests:
        return (replace(Arm.parse("none+gate=self_tests"), tests=arm.tests), placebo)
    if arm.stop == "accepted" and arm.source == "visible_tests":
        return (Arm.parse("none+gate=visible_tests"), placebo)
    return (_with_stop_of(arm, none, ("same",)), placebo)


def missing_controls(arms: Iterable[Arm]) -> tuple[Arm, ...]:
    """The controls of these arms, and the controls of those, that are not among them. Each once."""
    there = list(arms)
    known = {_canonical(arm) for arm in there}
    missing: list[Arm] = []
    for arm in there:  # grows below: a control has controls of its own
        for control in controls_of(arm):
            if _canonical(control) not in known:
                known.add(_canonical(control))
                missing.append(control)
                there.append(control)
    return tuple(missing)


def with_controls(arms: Iterable[Arm]) -> tuple[Arm, ...]:
    """The arms in their order, then the controls that they lack."""
    given = tuple(arms)
    return (*given, *missing_controls(given))


def is_control(control: Arm, arm: Arm) -> bool:
    """Whether the first is one of the second's controls, however it is spelt."""
    return any(same_arm(control, found) for found in controls_of(arm))


def same_arm(a: Arm, b: Arm) -> bool:
    """Whether two spellings mean the same condition."""
    return _canonical(a) == _canonical(b)


def _with_stop_of(arm: Arm, control: Arm, rules: tuple[str, ...]) -> Arm:
    return replace(control, stop=arm.stop, same=arm.same) if arm.stop in rules else control


def _canonical(arm: Arm) -> Arm:
    """`none+stop=oracle` is `oracle_stop`."""
    return Arm.parse("oracle_stop") if arm == replace(Arm.parse("none"), stop="oracle") else arm
