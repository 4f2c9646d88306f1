"""What one episode may use: tokens, USD, seconds inside its model's calls. Part of a run's configuration.

A run's budget only says when to stop buying. This one changes what an agent does, and so the numbers: the episode ends
before a call that may cost more than is left, and its last attempt is its answer.

An episode is charged each call that it used, also where another arm had bought the answer or the ledger holds it, and
a call is estimated alike whether its answer is known or not. So arms have equal budgets whoever comes first, and an
episode that is walked again ends where it ended. Seconds are those that the ledger keeps with an answer: a resumed run
counts the same, another run does not, and a busy machine (the judge's work included) makes them more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from banchu.core.chat import Completion, Request
from banchu.core.errors import ConfigError
from banchu.experiments.metering import NOTHING, Cost, Meter
from banchu.experiments.prices import Rate


@dataclass(frozen=True, slots=True)
class EpisodeBudget:
    """The most that one episode may use; None: no limit. Raises ConfigError."""

    usd: float | None = None
    tokens: int | None = None
    """Of prompts and answers."""
    seconds: float | None = None
    """Inside model calls, added up. No call is begun after them; the one that exceeds them is kept."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Of each model of the run, where `usd` is given."""

    def __post_init__(self) -> None:
        for option, value, remedy in (
            ("--episode-usd", self.usd, "an amount above 0, such as 0.02"),
            ("--episode-tokens", self.tokens, "a number above 0, such as 20000"),
            ("--episode-time", self.seconds, "a time above 0, such as 90s"),
        ):
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{option} {value:g} buys nothing; write {remedy}")

    def __bool__(self) -> bool:
        return (self.usd, self.tokens, self.seconds) != (None, None, None)

    def to_json(self) -> dict[str, float | None]:
        return {"usd": self.usd, "tokens": self.tokens, "seconds": self.seconds}

    def __str__(self) -> str:
        """`2,400 tokens, 0.02 USD, 90 s inside model calls`; empty: no limit."""
        limits = (
            (self.tokens, f"{self.tokens or 0:,} tokens"),
            (self.usd, f"{self.usd} USD"),
            (self.seconds, f"{self.seconds or 0:,g} s inside model calls"),
        )
        return ", ".join(text for limit, text in limits if limit is not None)

    def covers(self, cost: Cost, seconds: float = 0.0) -> bool:
        """Whether so much may be used, when so many seconds have passed."""
        if self.usd is not None and cost.usd > Decimal(str(self.usd)):
            return False
        if self.tokens is not None and cost.tokens > self.tokens:
            return False
        return self.seconds is None or seconds < self.seconds


class Purse:
    """What one episode has used of its budget."""

    def __init__(self, budget: EpisodeBudget) -> None:
        self._budget = budget
        self._meter = Meter(budget.rates)
        self._used, self._seconds, self._calls = NOTHING, 0.0, 0

    def covers(self, model: str, request: Request) -> bool:
        """Whether the most that a call may cost is left. The first is always covered: a run whose budget might not
        bear it was refused before it began."""
        if not self._calls or not self._budget:
            return True
        return self._budget.covers(self._used + self._meter.most(model, request), self._seconds)

    def charge(self, model: str, request: Request, completion: Completion) -> None:
        """The episode has used an answer, whoever paid for it."""
        self._calls += 1
        self._used += self._meter.of(model, request, completion)
        self._seconds += completion.wall_s
