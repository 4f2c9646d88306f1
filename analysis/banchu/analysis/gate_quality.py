"""How good a feedback source is as a judge: what it accepted against the verdicts on the sealed tests.

Two views of the same four counts. By answer: which right answers it accepts, and which wrong ones. By decision: how
many of those it accepts, and of those it rejects, are right; these are the TP and FN of Reflexion's table 2 (Shinn et
al. 2023, arXiv 2303.11366), whose FP and TN are the rest to 1. Attempts of one task are not independent: intervals are
Wilson's at the effective sample size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from banchu.analysis.intervals import Interval, clustered_wilson
from banchu.core.arm import Arm
from banchu.core.episode import EpisodeRecord


@dataclass(frozen=True, slots=True)
class Rate:
    """A proportion of attempts, tests or episodes, with an interval by task; None over nothing."""

    count: int
    of: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class GateQuality:
    """One arm's source or gate against the sealed tests, attempt by attempt."""

    arm: str
    source: str
    """Who accepts: the feedback source, or the gate of resampling."""
    true_accepts: int
    """TP: accepted, and right."""
    false_accepts: int
    """FP: accepted, and wrong. A wrong answer that nobody will look at again."""
    false_rejects: int
    """FN: rejected, and right. A right answer that the agent is told to change."""
    true_rejects: int
    """TN: rejected, and wrong."""
    accepted_of_right: Rate
    """TP of TP + FN: sensitivity."""
    accepted_of_wrong: Rate
    """FP of FP + TN."""
    right_of_accepted: Rate
    """TP of TP + FP: precision."""
    right_of_rejected: Rate
    """FN of FN + TN."""
    silent: int
    """Attempts of which the source said nothing, such as a last one that nobody assessed."""
    unjudged: int
    """Accepted or rejected, and without a verdict to compare with."""


@dataclass(frozen=True, slots=True)
class WrittenTests:
    """The tests that the model wrote for itself, against the reference solution."""

    arm: str
    episodes: int
    none_written: int
    """Episodes without a usable test."""
    tests: int
    duplicates: int
    """Tests that say what an earlier one of their episode says."""
    holds: Rate
    """Tests that the reference solution passes, of those where that is known."""
    unknown: int
    """Tests never tried on the reference solution."""
    episodes_with_a_wrong_test: Rate
    """Episodes in which the reference solution itself would be rejected, of those with a known test."""


def gate_quality(arm: Arm, episodes: Iterable[EpisodeRecord]) -> GateQuality | None:
    """The quality of one arm's source or gate; None where it never accepts or rejects.

    None too for an arm whose source is the oracle: it would be the sealed tests against themselves.
    """
    if arm.oracle_content:
        return None
    counts, name = _Counts(), arm.name
    for episode in episodes:
        if episode.arm == name:
            counts.add(episode)
    if not counts.said_anything:
        return None
    tp, fp, fn, tn = (sum(counts.of[kind].values()) for kind in ("tp", "fp", "fn", "tn"))
    return GateQuality(
        arm=name,
        source=arm.judge_of_attempts,
        true_accepts=tp,
        false_accepts=fp,
        false_rejects=fn,
        true_rejects=tn,
        accepted_of_right=counts.rate("tp", "fn"),
        accepted_of_wrong=counts.rate("fp", "tn"),
        right_of_accepted=counts.rate("tp", "fp"),
        right_of_rejected=counts.rate("fn", "tn"),
        silent=counts.silent,
        unjudged=counts.unjudged,
    )


def written_tests(arm: Arm, episodes: Iterable[EpisodeRecord]) -> WrittenTests | None:
    """The tests that the model wrote in one arm; None where it writes none or was not run."""
    name = arm.name
    mine = [episode for episode in episodes if episode.arm == name]
    if not arm.writes_tests or not mine:
        return None
    known = {(e.task_id, e.repeat): [t.holds for t in e.self_tests if t.holds is not None] for e in mine}
    by_test = [(task, sum(holds), len(holds)) for (task, _), holds in known.items()]
    by_episode = [(task, int(not all(holds)), 1) for (task, _), holds in known.items() if holds]
    tests = [test for episode in mine for test in episode.self_tests]
    return WrittenTests(
        arm=name,
        episodes=len(mine),
        none_written=sum(not episode.self_tests for episode in mine),
        tests=len(tests),
        duplicates=len(tests) - sum(len({test.source for test in episode.self_tests}) for episode in mine),
        holds=_rate(by_test),
        unknown=sum(test.holds is None for test in tests),
        episodes_with_a_wrong_test=_rate(by_episode),
    )


@dataclass(slots=True)
class _Counts:
    """The four counts by task."""

    of: dict[str, dict[str, int]] = field(default_factory=lambda: {kind: {} for kind in ("tp", "fp", "fn", "tn")})
    silent: int = 0
    unjudged: int = 0

    @property
    def said_anything(self) -> bool:
        return self.unjudged > 0 or any(self.of.values())

    def add(self, episode: EpisodeRecord) -> None:
        for judged in episode.attempts:
            round_ = judged.attempt.round
            accepts = episode.accepts[round_] if round_ < len(episode.accepts) else None
            if accepts is None:
                self.silent += 1
            elif judged.verdict is None:
                self.unjudged += 1
            else:
                kind = ("t" if accepts == judged.verdict.passed else "f") + ("p" if accepts else "n")
                counts = self.of[kind]
                counts[episode.task_id] = counts.get(episode.task_id, 0) + 1

    def rate(self, kind: str, rest: str) -> Rate:
        tasks = sorted({*self.of[kind], *self.of[rest]})
        found = [(task, self.of[kind].get(task, 0), self.of[rest].get(task, 0)) for task in tasks]
        return _rate([(task, count, count + others) for task, count, others in found])


def _rate(counts: Sequence[tuple[str, int, int]]) -> Rate:
    """From (task, count, of); a task may come several times."""
    by_task: dict[str, tuple[int, int]] = {}
    for task, count, of in counts:
        before = by_task.get(task, (0, 0))
        by_task[task] = (before[0] + count, before[1] + of)
    count, of = sum(c for c, _ in by_task.values()), sum(n for _, n in by_task.values())
    return Rate(count, of, count / of if of else None, clustered_wilson(by_task.values()))
