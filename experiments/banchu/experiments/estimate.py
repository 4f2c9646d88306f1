"""The most that a run can cost, before it begins: calls and tokens, from its arms, rounds and prompt lengths.

An upper bound, but that tokens of a text are estimated, at half a token a byte, as a budget does, and where a text is
bounded in characters, at half a token each. Episodes that stop early, and arms that happen to ask the same, make a run
cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from banchu.agents import Critic, Reflector, TestWriter, prompts
from banchu.agents.attempts import CHAT_LIMITS, COMPLETION_LIMITS
from banchu.agents.critic import CHECKED_REVIEW_TOKENS
from banchu.benchmarks import Benchmark
from banchu.core.arm import Arm
from banchu.core.chat import CallRole, Usage
from banchu.core.errors import ConfigError
from banchu.core.task import Task
from banchu.experiments.config import RunConfig
from banchu.experiments.episode_budget import EpisodeBudget
from banchu.experiments.jobs import stages_of
from banchu.experiments.metering import Cost, tokens_at_most
from banchu.experiments.prices import FREE, Rate
from banchu.experiments.spending import models_of
from banchu.experiments.split import tasks_of
from banchu.experiments.tools.turns import Turns, first_turn

_ATTEMPT: Final = tokens_at_most(CHAT_LIMITS.attempt)
"""What critic and reflector are shown of an attempt, at most."""
_FEEDBACK: Final = tokens_at_most(CHAT_LIMITS.feedback)
_ONE_LINE: Final = tokens_at_most(200)
_ROLES: Final[tuple[CallRole, ...]] = ("actor", "tester", "critic", "reflector")


@dataclass(frozen=True, slots=True)
class Share:
    """The calls of one role."""

    role: CallRole
    model: str
    calls: int
    usage: Usage
    usd: Decimal | None
    """None: the model's price is not known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run may come to at most, from its first call; what it has bought already is in it."""

    folder: Path
    """Where it would be, or is."""
    episodes: int
    shares: tuple[Share, ...]
    """Roles that are asked at all, and what they may be asked if no episode's own budget ends it."""
    episode_budget: EpisodeBudget

    @property
    def calls(self) -> int:
        return sum(share.calls for share in self.shares)

    @property
    def usage(self) -> Usage:
        return _sum(share.usage for share in self.shares)

    @property
    def tokens(self) -> int:
        """Together, and no more than the episodes' own budgets let through."""
        most, each = self.usage.total_tokens, self.episode_budget.tokens
        return most if each is None else min(most, self.episodes * each)

    @property
    def usd(self) -> Decimal | None:
        """As `tokens`. None: some model's price is not known."""
        known, each = [share.usd for share in self.shares if share.usd is not None], self.episode_budget.usd
        if len(known) < len(self.shares):
            return None
        most = sum(known, Decimal(0))
        return most if each is None else min(most, self.episodes * Decimal(str(each)))

    @property
    def unpriced(self) -> list[str]:
        """Models whose price is not known."""
        return sorted({share.model for share in self.shares if share.usd is None})

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "episodes": self.episodes,
            "most_calls": self.calls,
            "most_prompt_tokens": self.usage.prompt_tokens,
            "most_completion_tokens": self.usage.completion_tokens,
            "most_tokens": self.tokens,
            "most_usd": None if self.usd is None else float(self.usd),
            "price_unknown": self.unpriced,
            "calls_by_role": {share.role: share.calls for share in self.shares},
            **({"most_of_an_episode": self.episode_budget.to_json()} if self.episode_budget else {}),
        }


def estimate(config: RunConfig, benchmark: Benchmark, folder: Path, rate: Callable[[str], Rate | None]) -> Estimate:
    """The most that all episodes of a run can buy, each call once: arms share their first attempts, and independent
    samples of the same round."""
    models, found = models_of(config), list(_calls(config, benchmark))
    shares = []
    for role in _ROLES:
        usages = [usage for asks, usage in found if asks == role]
        calls, usage = len(usages) * config.repeats, _sum(usages, config.repeats)
        if calls:
            known = rate(models[role])
            shares.append(Share(role, models[role], calls, usage, known.of(usage, calls) if known else None))
    episodes = sum(map(len, stages_of(config)))
    return Estimate(folder, episodes, tuple(shares), config.episode_budget)


def require_first_attempts(config: RunConfig, benchmark: Benchmark) -> None:
    """Refuse a budget of episodes that might not bear their first attempts: without one they would have no answer.

    Raises:
        ConfigError: names the option, the task whose attempt may cost most, and what that is; or a model whose price
            the configuration lacks.
    """
    budget = config.episode_budget
    if not budget:
        return
    if budget.usd is not None and (lacking := set(models_of(config).values()) - set(budget.rates)):
        raise ConfigError(f"episode_usd={budget.usd:g} needs the price of {min(lacking)!r} in episode_rates")
    wanted = set(config.tasks)
    readers = [arm for arm in config.parsed_arms if arm.recalls]
    first = {
        pair.task.id: _Asked(pair.task, config).longest(readers) for pair in benchmark.tasks if pair.task.id in wanted
    }
    task, usage = max(first.items(), key=lambda each: each[1].total_tokens)
    if any(arm.tools != "off" for arm in config.parsed_arms):
        usage = first_turn(config, usage)
    most = Cost(usage.total_tokens, budget.rates.get(config.model, FREE).of(usage))
    if budget.covers(most):
        return
    given, needed = f"--episode-usd {budget.usd}", f"{most.usd.normalize():f} USD"
    if budget.tokens is not None and most.tokens > budget.tokens:
        given, needed = f"--episode-tokens {budget.tokens}", f"{most.tokens} tokens"
    raise ConfigError(
        f"{given} does not cover a first attempt: that at {task} may take {needed}, its prompt and --max-tokens "
        f"{config.sampling.max_tokens}; give an episode more, or make --max-tokens smaller"
    )


def _calls(config: RunConfig, benchmark: Benchmark) -> Iterator[tuple[CallRole, Usage]]:
    """Of one repeat."""
    arms = config.parsed_arms
    tests = {arm.tests for arm in arms if arm.writes_tests}
    works_on = {arm.name: frozenset(tasks_of(config, arm)) for arm in arms}
    wanted = frozenset().union(*works_on.values())
    for pair in benchmark.tasks:
        if pair.task.id not in wanted:
            continue
        asked = _Asked(pair.task, config)
        for tools in sorted({arm.tools for arm in arms}):
            alone = [arm for arm in arms if arm.tools == tools and not (arm.shows_feedback or arm.guesses)]
            for _ in range(1 + max((arm.rounds_in(config.rounds) for arm in alone), default=0)):
                yield "actor", asked.first if tools == "off" else first_turn(config, asked.first)
        for _ in tests:
            yield "tester", asked.tests
        for arm in arms:
            if pair.task.id in works_on[arm.name]:
                yield from _calls_of(arm, asked, arm.rounds_in(config.rounds), Turns(config, arm))


def _calls_of(arm: Arm, asked: _Asked, rounds: int, turns: Turns) -> Iterator[tuple[CallRole, Usage]]:
    """What one arm asks that no other does, of one task."""
    by_actor = arm.tools != "off"
    yield from (("critic", usage) for usage in turns.helped(asked.longest_answer))
    # First attempts are an arm's own where it is told of earlier episodes, and from the first call of a tool on.
    samples = 0 if arm.shows_feedback or arm.guesses else rounds
    for _ in range(1 + samples):
        if arm.recalls or by_actor:
            first = turns.of(asked.first_of(arm), by_actor, first=arm.recalls)
            yield from (("actor", usage) for usage in first)
    for round in range(1, 1 + rounds):
        if arm.shows_feedback:
            yield from (("actor", usage) for usage in turns.of(asked.revision(arm, round), by_actor))
            if arm.asks_the_critic:
                by_critic = arm.source == "tools"
                yield from (("critic", usage) for usage in turns.of(asked.review(arm, round), by_critic))
            if arm.window:
                yield "reflector", asked.reflection(arm)


class _Asked:
    """The longest calls about one task."""

    def __init__(self, task: Task, config: RunConfig) -> None:
        max_tokens = config.sampling.max_tokens
        self._limits = COMPLETION_LIMITS if config.style == "completion" else CHAT_LIMITS
        self._task = tokens_at_most(len(task.prompt.encode()))
        self._answer = max_tokens
        # An answer that continues the prompt is shown with it.
        self._attempt = min(self._task + max_tokens, _ATTEMPT)
        checked = any(arm.source == "tools" for arm in config.parsed_arms)
        self._reviewed = min(max_tokens, CHECKED_REVIEW_TOKENS if checked else _cap(Critic))
        self._reflected = min(max_tokens, _cap(Reflector))
        self._written = min(max_tokens, _cap(TestWriter))
        self._begin = _frame("actor_system", "actor_first") + self._task

    @property
    def longest_answer(self) -> int:
        """Of actor or critic."""
        return max(self._answer, self._reviewed)

    @property
    def first(self) -> Usage:
        return Usage(self._begin, self._answer)

    def first_of(self, arm: Arm) -> Usage:
        return Usage(self._begin + self._recalled(arm), self._answer)

    def longest(self, readers: Iterable[Arm]) -> Usage:
        """The first attempt of whichever of these arms is told most."""
        return Usage(self._begin + max(map(self._recalled, readers), default=0), self._answer)

    def _recalled(self, arm: Arm) -> int:
        """What an arm is told of earlier episodes."""
        if not arm.recalls:
            return 0
        return _frame("notes_lessons") + arm.k * tokens_at_most(self._limits.reflection)

    @property
    def tests(self) -> Usage:
        return Usage(_frame("tester_system", "tester_write") + self._task, self._written)

    def reflection(self, arm: Arm) -> Usage:
        frame = _frame("reflector_system", "reflector_reflect")
        if arm.summary != "off":
            frame = _frame("reflector_system", "reflector_condense") + arm.window * self._reflected
        return Usage(frame + self._task + self._attempt + self._said(arm), self._reflected)

    def revision(self, arm: Arm, round: int) -> Usage:
        """Attempt `round`, which is shown an earlier one."""
        if arm.in_turns:
            return Usage(self._begin + round * self._turns, self._answer)
        frame = _frame("actor_retry_may_finish", "notes_feedback", "notes_reflections")
        attempt = min(self._attempt, tokens_at_most(self._limits.attempt))
        said = min(self._said(arm), tokens_at_most(self._limits.feedback))
        lessons = min(arm.window, round) * min(self._reflected, tokens_at_most(self._limits.reflection))
        return Usage(self._begin + self._recalled(arm) + frame + attempt + said + lessons, self._answer)

    def _said(self, arm: Arm) -> int:
        """Feedback on one attempt."""
        if arm.source in ("intrinsic", "tools"):
            return self._reviewed
        brief = arm.source in ("placebo", "oracle_verdict") or (arm.show == "verdict" and arm.explain == "nothing")
        return _ONE_LINE if brief else _FEEDBACK

    @property
    def _turns(self) -> int:
        """An attempt, its review, and what asks for them."""
        return self._answer + self._reviewed + _frame("critic_neutral", "actor_turns", "actor_turns")

    def review(self, arm: Arm, round: int) -> Usage:
        """What the critic is asked between attempt `round` - 1 and attempt `round`."""
        if arm.in_turns:
            return Usage(self._begin + round * self._turns, self._reviewed)
        frame = _frame("critic_system", "critic_review", "critic_explain", "critic_explain_blocks")
        shown = {"nothing": 0, "trace": 2, "blocks": 3}.get(arm.explain, 1)
        return Usage(frame + self._task + self._attempt + shown * _FEEDBACK, self._reviewed)


def _frame(*names: str) -> int:
    """Tokens of prompts without what is filled in, and of the messages and fences around that."""
    return tokens_at_most(sum(prompts.size(name) + 32 for name in names), len(names))


def _cap(kind: type[Any]) -> int:
    """The longest answer that a part of the agent asks for."""
    found: dict[str, Any] = {field.name: field.default for field in fields(kind)}
    return int(found["max_tokens"])


def _sum(usages: Iterable[Usage], times: int = 1) -> Usage:
    prompt = completion = 0
    for usage in usages:
        prompt, completion = prompt + usage.prompt_tokens, completion + usage.completion_tokens
    return Usage(times * prompt, times * completion)
