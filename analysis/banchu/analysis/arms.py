"""One arm in figures: accuracy by round, flips, cost, and everything that is counted apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum

from banchu.analysis.ends import Cuts, Ends, count_cuts, count_ends
from banchu.analysis.flips import Flips, count_flips
from banchu.analysis.gate_quality import GateQuality, WrittenTests, gate_quality, written_tests
from banchu.analysis.intervals import Interval, clustered_wilson, paired_interval
from banchu.analysis.mcnemar import sign_flip_exact
from banchu.analysis.outcomes import Outcome, OutcomeTable, Unit
from banchu.analysis.passk import PassAtK, arm_pass_at_k, ended_by_budget, measure, samples_per_task
from banchu.analysis.tool_use import ToolUse, tool_use
from banchu.core.arm import Arm, Fairness, Kind
from banchu.core.episode import CallRecord, EpisodeRecord
from banchu.core.verdict import VERDICT_KINDS

PASS_AT = (1, 2, 3, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A proportion with its denominator."""

    solved: int
    n: int
    """Judged units: missing and failed ones are in it, unjudged ones are not."""
    unjudged: int
    value: float | None
    interval: Interval | None
    """Wilson's; with repeats, at the effective sample size."""


@dataclass(frozen=True, slots=True)
class Tokens:
    prompt: int
    completion: int
    total: int
    reasoning: int = 0
    """Of the completion tokens, those that are no part of a text; 0 also where the server does not count them."""


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """Everything that is printed of one arm."""

    arm: str
    claims: str
    """What a number of this arm may be called, such as `intrinsic` or `oracle stop`."""
    kind: Kind
    """Where what the agent learns of its answer comes from (Kamoi et al. 2024)."""
    realistic: bool
    """Whether somebody without hidden tests could run it."""
    fair: Fairness
    """What correction may use, compared with what the first answer could use."""
    oracle: bool
    oracle_stops: bool
    """Whether a verdict on the sealed tests could end an episode."""
    chooses: bool
    """Whether the answer may be another attempt than the last."""
    measure: str
    """What the accuracy of the last attempt is: `pass@1` for independent samples only, never for an oracle arm."""
    rounds: int
    """Attempts after the first: the run's, or the arm's own."""
    tasks: int
    units: int
    """Planned (task, repeat) units: the full denominator."""
    episodes: int
    """Units that were run."""
    missing: int
    errors: int
    """Episodes that a model error ended; they count as not solved."""
    unjudged_attempts: int
    accuracy: tuple[Accuracy, ...]
    """By round, 0..rounds: of the last attempt at or before it."""
    any_attempt_upper_bound: Accuracy
    """If a perfect judge picked the best attempt. No arm without an oracle can reach this; never an accuracy."""
    flips: Flips | None
    """From round 0 to the last; None with one round."""
    delta_interval: Interval | None
    """Of flips.delta, by task."""
    delta_p: float | None
    """Exact test of no change between round 0 and the last, not corrected for the number of arms."""
    steps: tuple[Flips, ...]
    """Between each two neighbouring rounds."""
    pass_at_k: tuple[PassAtK, ...]
    """Of independent samples; empty for an oracle arm."""
    tokens: Tokens
    tokens_by_role: Mapping[str, Tokens]
    model_calls: int
    model_seconds: float
    """Wall seconds inside model calls, added up."""
    oracle_calls: int
    """Verdicts on the sealed tests that crossed into the feedback channel."""
    prompts_with_sealed_text: int
    ends: Ends
    """How the planned episodes ended, apart from right and wrong."""
    cuts: tuple[Cuts, ...]
    """Replies that were cut by the token limit, by role and round."""
    truncated_replies: int
    no_answer_attempts: int
    """Attempts, of any round, that held no program."""
    last_verdicts: Mapping[str, int]
    """Verdict kinds of the answers at the end; `unjudged` is listed under its own name."""
    stopped_by: Mapping[str, int]
    gate: GateQuality | None
    """How good the source or gate is as a judge; None where it never accepts or rejects, and for the oracle."""
    written_tests: WrittenTests | None
    """The tests that the model wrote for itself, where it does."""
    attempts_per_episode: float | None
    """Mean over the episodes that were run."""
    tools: ToolUse | None = None
    """The calls of tools, in an arm that uses them."""


def summarise_arm(arm: Arm, table: OutcomeTable) -> ArmSummary:
    """The figures of one arm from its table."""
    episodes = tuple(table.episodes.values())
    attempts = [judged for episode in episodes for judged in episode.attempts]
    calls = [call for episode in episodes for call in episode.calls]
    change = _change_by_task(table)
    several = table.rounds > 0
    return ArmSummary(
        arm=arm.name,
        claims=arm.claims,
        kind=arm.kind,
        realistic=arm.realistic,
        fair=arm.fair,
        oracle=arm.uses_oracle,
        oracle_stops=arm.oracle_stops,
        chooses=arm.chooses,
        measure=measure(arm, table.rounds, by_budget=ended_by_budget(table)),
        rounds=table.rounds,
        tasks=len(table.task_ids),
        units=len(table.outcomes),
        episodes=len(episodes),
        missing=len(table.missing),
        errors=len(table.failed),
        unjudged_attempts=sum(judged.verdict is None for judged in attempts),
        accuracy=tuple(_accuracy(table.at(round_)) for round_ in range(table.rounds + 1)),
        any_attempt_upper_bound=_accuracy(table.any_attempt.items()),
        flips=count_flips(table, 0, table.rounds) if several else None,
        delta_interval=paired_interval(change) if several else None,
        delta_p=sign_flip_exact(total for total, _ in change) if several and change else None,
        steps=tuple(count_flips(table, round_, round_ + 1) for round_ in range(table.rounds)),
        pass_at_k=_pass_at_k(arm, table),
        tokens=_tokens(calls),
        tokens_by_role={role: _tokens(c for c in calls if c.role == role) for role in sorted({c.role for c in calls})},
        model_calls=len(calls),
        model_seconds=fsum(call.wall_s for call in calls),
        oracle_calls=sum(episode.oracle_calls for episode in episodes),
        prompts_with_sealed_text=sum(call.sealed_hits > 0 for call in calls),
        ends=count_ends(table),
        cuts=count_cuts(table),
        truncated_replies=sum(call.finish_reason == "length" for call in calls),
        no_answer_attempts=sum(j.verdict is not None and j.verdict.kind == "no_answer" for j in attempts),
        last_verdicts=_last_verdicts(episodes),
        stopped_by=dict(sorted(Counter(e.stopped_by for e in episodes if e.status == "done").items())),
        gate=gate_quality(arm, episodes),
        written_tests=written_tests(arm, episodes),
        attempts_per_episode=len(attempts) / len(episodes) if episodes else None,
        tools=tool_use(arm, episodes),
    )


def _accuracy(outcomes: Iterable[tuple[Unit, Outcome]]) -> Accuracy:
    by_task: dict[str, tuple[int, int]] = {}
    unjudged = 0
    for (task_id, _), outcome in outcomes:
        if outcome is None:
            unjudged += 1
            continue
        solved, judged = by_task.get(task_id, (0, 0))
        by_task[task_id] = (solved + outcome, judged + 1)
    solved, n = sum(s for s, _ in by_task.values()), sum(j for _, j in by_task.values())
    return Accuracy(
        solved=solved,
        n=n,
        unjudged=unjudged,
        value=solved / n if n else None,
        interval=clustered_wilson(by_task.values()),
    )


def _change_by_task(table: OutcomeTable) -> list[tuple[int, int]]:
    by_task: dict[str, tuple[int, int]] = {}
    for (task_id, _), row in table.outcomes.items():
        first, last = row[0], row[-1]
        if first is not None and last is not None:
            total, count = by_task.get(task_id, (0, 0))
            by_task[task_id] = (total + last - first, count + 1)
    return list(by_task.values())


def _pass_at_k(arm: Arm, table: OutcomeTable) -> tuple[PassAtK, ...]:
    if arm.uses_oracle or not table.outcomes:
        return ()
    most = samples_per_task(arm, table)
    return tuple(arm_pass_at_k(arm, table, k) for k in sorted({k for k in PASS_AT if k <= most} | {most}))


def _tokens(calls: Iterable[CallRecord]) -> Tokens:
    prompt = completion = reasoning = 0
    for call in calls:
        prompt += call.prompt_tokens
        completion += call.completion_tokens
        reasoning += call.reasoning_tokens
    return Tokens(prompt, completion, prompt + completion, reasoning)


def _last_verdicts(episodes: Iterable[EpisodeRecord]) -> dict[str, int]:
    last = [episode.answers[-1] for episode in episodes if episode.attempts]
    counts = Counter("unjudged" if judged.verdict is None else judged.verdict.kind for judged in last)
    return {kind: counts[kind] for kind in (*VERDICT_KINDS, "unjudged") if counts[kind]}
