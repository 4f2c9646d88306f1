"""What a whole run may cost: USD, tokens, wall time. When it is spent, the run drains as it does at Ctrl-C.

Before a call is bought, the most that it may cost is held back: its prompt, as estimated, and max_tokens of answer. A
call that fits only if others turn out cheaper waits for them. So what is spent and what is held never exceed the budget
together, a run ends with less left than its next call may cost, and the budget is exceeded only by what the calls in
flight hold beyond their estimate: each by its prompt's tokens above half a token a byte (or above the most that an
earlier prompt of this process had), and by what a server answers beyond max_tokens or charges twice.

What earlier processes of the run bought counts. Time is that of this process.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from banchu.core.chat import Completion, Request
from banchu.core.errors import ConfigError
from banchu.experiments.metering import NOTHING, Cost, Meter
from banchu.experiments.prices import Prices, Rate

Option = Literal["--max-usd", "--max-total-tokens", "--max-time"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may cost; None: no limit. Not part of a run's configuration: the same run goes on with a
    larger one. Raises ConfigError."""

    usd: float | None = None
    tokens: int | None = None
    """Of prompts and answers, each call once."""
    seconds: float | None = None
    """Of this process, from the first episode to the last call."""

    def __post_init__(self) -> None:
        given: tuple[tuple[Option, float | None, str], ...] = (
            ("--max-usd", self.usd, "an amount above 0, such as 2.50"),
            ("--max-total-tokens", self.tokens, "a number above 0, such as 500000"),
            ("--max-time", self.seconds, "a time above 0, such as 2h30m"),
        )
        for option, value, remedy in given:
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{option} {value:g} buys nothing; write {remedy}")

    @property
    def counts(self) -> bool:
        """Whether it depends on what calls cost."""
        return self.usd is not None or self.tokens is not None

    def rates(self, models: Iterable[str], prices: Prices) -> dict[str, Rate]:
        """What the models of a run cost, as far as this budget needs to know.

        Raises:
            ConfigError: a budget in USD, and a model whose price nobody knows.
        """
        return {} if self.usd is None else prices.rates(models, f"--max-usd {self.usd:g}")


@dataclass(frozen=True, slots=True)
class SpentBudget:
    """The budget that ended a run."""

    option: Option
    limit: float
    spent: float
    """By the whole run so far, calls that were in flight included; of a time: until the last call was in."""
    next_call: float = 0.0
    """The most that the call would have cost which was not bought."""

    @property
    def over(self) -> float:
        """By how much the budget was exceeded."""
        return max(0.0, self.spent - self.limit)

    @property
    def larger(self) -> str:
        """What lets the run go on. Time is of one command, so as much again will do."""
        return self.option if self.option == "--max-time" else f"a larger {self.option}"

    def __str__(self) -> str:
        if self.option == "--max-time":
            return f"budget {self.option} {self.limit:,.0f} s: {self.spent:,.0f} s until the last call was in"
        unit, show = ("USD", "{:.6g}") if self.option == "--max-usd" else ("tokens", "{:,.0f}")
        limit, spent, over, ahead = (show.format(x) for x in (self.limit, self.spent, self.over, self.next_call))
        beyond = f" ({over} too many)" if self.over else ""
        return f"budget {self.option} {limit}: {spent} {unit} are spent{beyond}, and the next call may cost {ahead}"


class Account:
    """What a run has spent and holds back.

    Args:
        rates: of each model, where the budget is in USD.
        spent: by earlier processes of the run.
        on_spent: called once, when the budget is spent.
    """

    def __init__(
        self,
        budget: Budget,
        rates: Mapping[str, Rate] | None = None,
        spent: Cost = NOTHING,
        on_spent: Callable[[SpentBudget], object] = lambda spent: None,
    ) -> None:
        self._budget = budget
        self._meter = Meter(rates)
        self._on_spent = on_spent
        self._spent, self._held = spent, NOTHING
        self._changed = asyncio.Event()
        self._closed = False
        self._begun = time.monotonic()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._end: SpentBudget | None = None
        self.asking = 0
        """Calls that are not made yet: those that wait for others to turn out cheaper than they may."""

    def begin(self) -> None:
        """The time starts now."""
        self._begun = time.monotonic()
        if (seconds := self._budget.seconds) is not None:
            end = SpentBudget("--max-time", seconds, seconds)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._stop, end)

    def close(self) -> None:
        """Nothing more is bought: calls that wait are not made. Idempotent."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        self._wake()

    @property
    def end(self) -> SpentBudget | None:
        """The budget that ended the run, with what is spent by now; None: none did."""
        if self._end is None:
            return None
        match self._end.option:
            case "--max-usd":
                spent = float(self._spent.usd)
            case "--max-total-tokens":
                spent = self._spent.tokens
            case "--max-time":
                spent = max(self._end.limit, self._last)
        return replace(self._end, spent=spent)

    async def reserve(self, model: str, request: Request) -> Cost | None:
        """Hold back the most that a call may cost, to be given to `settle`. None: the budget does not bear it."""
        if not self._budget.counts:
            return NOTHING
        most = self._meter.most(model, request)
        self.asking += 1
        try:
            while not self._closed:
                if end := self._exceeded(most, NOTHING):
                    self._stop(end)
                elif not self._exceeded(most, self._held):
                    self._held += most
                    return most
                else:
                    await self._changed.wait()
            return None
        finally:
            self.asking -= 1

    def settle(self, held: Cost, model: str, request: Request, completion: Completion | None) -> None:
        """The call has ended: what it cost in place of what was held. None: it failed, and cost nothing."""
        self._last = time.monotonic() - self._begun
        if not self._budget.counts:
            return
        self._held -= held
        if completion is not None:
            self._spent += self._meter.of(model, request, completion)
        self._wake()

    def _exceeded(self, most: Cost, held: Cost) -> SpentBudget | None:
        """The budget that would not bear `most` beside what is spent and held."""
        all, usd, tokens = self._spent + held + most, self._budget.usd, self._budget.tokens
        if usd is not None and all.usd > Decimal(str(usd)):
            return SpentBudget("--max-usd", usd, float(self._spent.usd), float(most.usd))
        if tokens is not None and all.tokens > tokens:
            return SpentBudget("--max-total-tokens", tokens, self._spent.tokens, most.tokens)
        return None

    def _stop(self, end: SpentBudget) -> None:
        if self._closed:
            return
        self._end = end
        self.close()
        self._on_spent(end)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
