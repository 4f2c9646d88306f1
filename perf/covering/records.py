"""Runs of the simulated model: episode records as the ledger would give them back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from banchu.core.arm import Arm
from banchu.core.episode import (
    Attempt,
    CallRecord,
    EpisodeRecord,
    EpisodeStatus,
    JudgedAttempt,
    SelfTest,
    StoppedBy,
)
from banchu.core.verdict import Verdict

from .law import EASE, World, accepts, stops

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEST_HOLDS = 0.8
"""Chance that a test which the model writes for itself holds for the reference solution."""
TESTS = 6


class Parts(NamedTuple):
    """What all episodes of an arm have in common that went the same way."""

    attempts: tuple[JudgedAttempt, ...]
    calls: tuple[CallRecord, ...]
    oracle_calls: int
    stopped_by: StoppedBy
    accepts: tuple[bool | None, ...]


def task_ids(tasks: int) -> list[str]:
    """The names of the tasks of a run."""
    return [f"sim/{number}" for number in range(tasks)]


def simulate(world: World, *, tasks: int, repeats: int, seed: int) -> list[EpisodeRecord]:
    """One run: all arms on the same tasks. Arms share the first attempt of each (task, repeat), and nothing else."""
    import numpy as np

    rng = np.random.default_rng(seed)
    kind = rng.choice(len(EASE), size=tasks, p=list(EASE.values()))
    first_roll = rng.random((tasks, repeats))
    names = task_ids(tasks)
    records = []
    for arm_name, law in world.laws.items():
        arm = Arm.parse(arm_name)
        rates = world.rates(law)
        first, fix, spoil = (
            np.array([getattr(rate, field) for rate in rates])[kind][:, None] for field in ("first", "fix", "spoil")
        )
        right = [first_roll < first]
        said = []
        for _ in range(world.rounds):
            roll = rng.random((tasks, repeats))
            said.append(rng.random((tasks, repeats)) < np.where(right[-1], accepts(law, True), accepts(law, False)))
            right.append(np.where(right[-1], roll >= spoil, roll < fix))
        ways = _way_of(right, said)
        parts = _parts_of(arm, law.false_accept is not None, world.rounds)
        holding = rng.binomial(TESTS, TEST_HOLDS, size=(tasks, repeats)).tolist() if arm.writes_tests else None
        for name, row, held in zip(names, ways.tolist(), holding or [None] * tasks, strict=True):
            for repeat, way in enumerate(row):
                attempts, calls, oracle_calls, stopped_by, accepted = parts(way)
                tests = _tests(held[repeat]) if held else ()
                status: EpisodeStatus = "done"
                records.append(
                    EpisodeRecord(
                        name, arm_name, repeat, status, attempts, calls, oracle_calls, stopped_by, "", accepted, tests
                    )
                )
    return records


def _way_of(right: list[NDArray[np.bool_]], said: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """What an episode rolls, in one number: a bit for each attempt, then one for each assessment."""
    import numpy as np

    way = np.zeros(right[0].shape, dtype=np.int64)
    for place, bit in enumerate([*right, *said]):
        way |= bit.astype(np.int64) << place
    return way


@cache
def _parts_of(arm: Arm, says: bool, rounds: int) -> Callable[[int], Parts]:
    @cache
    def parts(way: int) -> Parts:
        right = [bool(way >> place & 1) for place in range(rounds + 1)]
        said = [bool(way >> rounds + 1 + place & 1) for place in range(rounds)]
        stop = said.index(True) if stops(arm) and True in said else None
        made = right[: rounds + 1 if stop is None else stop + 1]
        assessed = said[: rounds if stop is None else stop + 1]
        stopped_by: StoppedBy = "rounds" if stop is None else "oracle" if arm.uses_oracle else "accepted"
        calls = []
        for round_, passed in enumerate(made):
            calls.append(CallRecord("actor", round_, 100, 30 if passed else 50, "stop", 0, 0.5))
            if says and not arm.uses_oracle and round_ < len(assessed):
                calls.append(CallRecord("critic", round_, 150, 20, "stop", 0, 0.5))
        return Parts(
            tuple(_judged(round_, passed) for round_, passed in enumerate(made)),
            tuple(calls),
            len(assessed) if arm.uses_oracle else 0,
            stopped_by,
            tuple(said_ if says else None for said_ in assessed) if arm.shows_feedback else (),
        )

    return parts


@cache
def _judged(round_: int, passed: bool) -> JudgedAttempt:
    verdict = Verdict("passed" if passed else "wrong_answer", tests_passed=int(passed), tests_total=1)
    return JudgedAttempt(Attempt(round_, "a reply", "right" if passed else "wrong"), verdict)


@cache
def _tests(holding: int) -> tuple[SelfTest, ...]:
    return tuple(SelfTest(f"assert f({number}) == {number}", number < holding) for number in range(TESTS))
