"""Budgets of a whole run: drained as at Ctrl-C, gone on with a larger one, and exceeded by no more than is said."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.facts import facts

from banchu.core.chat import Completion, Request, Sampling, Usage
from banchu.core.errors import ConfigError, ModelError
from banchu.experiments.budget import Account, Budget, SpentBudget
from banchu.experiments.metering import tokens_at_most
from banchu.experiments.prices import Prices, Rate
from banchu.experiments.spending import spent_in

CENT = Rate(Decimal("0.00001"), Decimal("0.00002"))


class Metered:
    """A fake that takes its time, so that calls overlap, and says how many tokens it took."""

    def __init__(self, model: Any, usage: Callable[[Request, Usage], Usage] = lambda request, usage: usage) -> None:
        self.model, self.usage, self.id, self.prompt_style = model, usage, model.id, model.prompt_style
        self.delay_s, self.sold, self.shortfalls, self.most_at_once = 0.005, list[str](), list[int](), 0
        self._now = 0

    async def complete(self, request: Request) -> Completion:
        self.sold.append(request.key(self.id))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(self.delay_s)
        self._now -= 1
        completion: Completion = await self.model.complete(request)
        usage = self.usage(request, completion.usage)
        estimated = tokens_at_most(len(request.prompt_text.encode()), len(request.prompt))
        self.shortfalls.append(max(0, usage.prompt_tokens - estimated))
        return replace(completion, usage=usage)

    async def aclose(self) -> None: ...


def bought(lab: Any, name: str) -> int:
    with lab.ledger(name) as ledger:
        return int(ledger.purchased().total_tokens)


async def test_a_run_drains_at_its_budget_and_goes_on_to_the_same_ledger_with_larger_ones(lab: Any) -> None:
    tasks = lab.tasks(3)
    await lab.run("whole", tasks)
    needed, sold, open_before = bought(lab, "whole"), list[str](), 10
    for tokens in (needed // 3, 2 * needed // 3):
        model = Metered(lab.fickle())
        outcome = await lab.run("cut", tasks, model=model, budget=Budget(tokens=tokens))
        assert 0 < outcome.open < open_before
        assert outcome.budget.option == "--max-total-tokens"
        assert outcome.budget.spent == bought(lab, "cut") <= tokens < outcome.budget.spent + outcome.budget.next_call
        assert model.sold
        sold, open_before = sold + model.sold, outcome.open
    model = Metered(lab.fickle())
    outcome = await lab.run("cut", tasks, model=model, budget=Budget(tokens=needed + 3000))
    assert outcome.complete
    assert outcome.budget is None
    sold += model.sold
    assert len(sold) == len(set(sold))
    assert lab.trajectories("cut") == lab.trajectories("whole")
    whole, cut = (facts(lab.folder / name / "ledger.sqlite") for name in ("whole", "cut"))
    assert cut == whole


async def test_what_earlier_processes_bought_counts(lab: Any) -> None:
    first = await lab.run("a", lab.tasks(3), budget=Budget(tokens=3000))
    assert first.open
    spent = int(first.budget.spent)
    assert 0 < spent == bought(lab, "a")
    model = lab.fickle()
    # No more than was spent: with some to spare, a call that is next now may be cheaper than the one that was next.
    again = await lab.run("a", lab.tasks(3), model=model, budget=Budget(tokens=spent))
    assert model.calls == 0
    assert 0 < again.open <= first.open  # what was bought may be enough for another episode
    assert again.budget.spent == spent
    smaller = await lab.run("a", lab.tasks(3), model=model, budget=Budget(tokens=10))
    assert model.calls == 0
    assert smaller.budget.over == spent - 10
    assert str(smaller.budget).startswith(f"budget --max-total-tokens 10: {spent:,.0f} tokens are spent (")


@pytest.mark.parametrize("tokens", [2500, 5000, 7777])
async def test_eight_in_flight_do_not_exceed_a_budget_where_prompts_are_as_long_as_estimated(
    lab: Any, tokens: int
) -> None:
    model = Metered(lab.fickle(), lambda request, usage: Usage(usage.prompt_tokens, request.sampling.max_tokens))
    outcome = await lab.run("a", lab.tasks(8), model=model, budget=Budget(tokens=tokens))
    assert outcome.open
    assert model.shortfalls
    assert max(model.shortfalls) == 0
    assert bought(lab, "a") <= tokens


async def test_eight_in_flight_exceed_a_budget_by_no_more_than_their_prompts_exceed_their_estimates(lab: Any) -> None:
    def long(request: Request, usage: Usage) -> Usage:
        return Usage(2 * len(request.prompt_text.encode()), request.sampling.max_tokens)

    model = Metered(lab.fickle(), long)
    outcome = await lab.run("a", lab.tasks(8), arms="none", model=model, budget=Budget(tokens=9000))
    over = bought(lab, "a") - 9000
    assert model.most_at_once == 8
    assert over == outcome.budget.over
    assert 0 < over <= sum(sorted(model.shortfalls)[-8:])
    # What was seen of prompts is believed from then on: nobody begins beyond the budget.
    assert len(model.sold) == 8


async def test_a_budget_that_is_enough_is_enough_though_calls_may_cost_more_than_they_do(lab: Any) -> None:
    """What calls in flight may cost is held back; others wait for them, and the run does not end for that."""
    await lab.run("whole", lab.tasks(4))
    model = Metered(lab.fickle())
    with lab.ledger("whole") as ledger:
        dearest = max(len(prompt.encode()) for prompt in _prompts(ledger)) // 2 + 100 + 512
    outcome = await lab.run("a", lab.tasks(4), model=model, budget=Budget(tokens=bought(lab, "whole") + dearest))
    assert outcome.complete
    assert model.most_at_once > 1
    assert bought(lab, "a") == bought(lab, "whole")


def _prompts(ledger: Any) -> list[str]:
    return [row["prompt"] for row in ledger._db.execute("SELECT prompt FROM calls")]


async def test_dollars_are_counted_by_who_was_asked(lab: Any) -> None:
    critic = lab.fickle()
    critic._id = "scripted:dear"
    prices = Prices({"scripted:fickle": CENT, "scripted:dear": Rate(CENT.input * 10, CENT.output * 10, Decimal(1))})
    team = {"critic": critic, "prices": prices}
    config = lab.config(lab.tasks(2), "none,intrinsic", critic="scripted:dear")
    await lab.run("whole", lab.tasks(2), "none,intrinsic", **team)
    with lab.ledger("whole") as ledger:
        spent = spent_in(ledger, config, prices.rate)
        rows = ledger._db.execute(
            "SELECT role, c.* FROM calls c JOIN episode_calls USING (key) GROUP BY key"
        ).fetchall()
        by_hand = Decimal(0)
        for row in rows:
            rate = prices.rate("scripted:dear" if row["role"] == "critic" else "scripted:fickle")
            assert rate
            by_hand += rate.of(Usage(row["prompt_tokens"], row["completion_tokens"]))
    assert spent.usd == by_hand > 1
    outcome = await lab.run("cut", lab.tasks(2), "none,intrinsic", budget=Budget(usd=2.5), **team)
    assert outcome.budget.option == "--max-usd"
    assert 0 < outcome.budget.spent <= 2.5
    assert (await lab.run("cut", lab.tasks(2), "none,intrinsic", budget=Budget(usd=100), **team)).complete
    assert lab.trajectories("cut") == lab.trajectories("whole")


async def test_a_call_that_no_episode_has_used_yet_counts_at_the_dearest_rate(lab: Any) -> None:
    await lab.run("a", lab.tasks(1), "none")
    with closing(sqlite3.connect(lab.folder / "a" / "ledger.sqlite")) as db, db:
        db.execute("DELETE FROM episode_calls")
    config = lab.config(lab.tasks(1), "none", critic="scripted:dear")
    prices = Prices({"scripted:fickle": CENT, "scripted:dear": Rate(CENT.input * 10, CENT.output * 10)})
    with lab.ledger("a") as ledger:
        spent, tokens = spent_in(ledger, config, prices.rate), ledger.purchased()
    assert spent.usage == tokens
    assert spent.usd == CENT.of(tokens) * 10 > 0
    with lab.ledger("a") as ledger:
        unknown = spent_in(ledger, config, {"scripted:fickle": CENT}.get)
    assert unknown.usd is None
    assert unknown.unpriced == ("scripted:dear",)


async def test_dollars_without_a_price_are_refused_before_anything_is_written(lab: Any) -> None:
    model = lab.fickle()
    model._id = "openai:mine@http://127.0.0.1:1/v1"
    with pytest.raises(ConfigError, match=r"--max-usd 1: the price of 'openai:mine@.*\['openai:mine'\].*--prices FILE"):
        Budget(usd=1).rates([model.id], Prices())
    assert Budget(tokens=5, seconds=5).rates([model.id], Prices()) == {}
    assert Budget(usd=1).rates([model.id], Prices({"openai:mine": CENT})) == {model.id: CENT}


async def test_a_run_drains_when_its_time_is_up_and_keeps_what_is_in_flight(lab: Any) -> None:
    model = Metered(lab.fickle())
    model.delay_s = 0.15
    outcome = await lab.run("a", lab.tasks(8), "none", model=model, budget=Budget(seconds=0.2))
    assert outcome.open
    assert outcome.budget.option == "--max-time"
    assert 0.2 <= outcome.budget.spent < 5
    with lab.ledger("a") as ledger:
        assert len(_prompts(ledger)) == len(model.sold) >= 8
    assert (await lab.run("a", lab.tasks(8), "none", budget=Budget(seconds=600))).complete


async def test_ctrl_c_wakes_calls_that_wait_for_the_budget(lab: Any) -> None:
    model = Metered(lab.fickle())
    model.delay_s = 0.2
    runner = lab.runner("a", lab.tasks(8), "none", model, budget=Budget(tokens=2500))
    running = asyncio.create_task(runner.run())
    while not model.sold:
        await asyncio.sleep(0.01)
    assert runner._account.asking > 0
    assert runner.drain() == len(model.sold)
    outcome = await asyncio.wait_for(running, 5)
    assert outcome.open
    assert outcome.budget is None


async def test_answers_without_a_count_of_tokens_are_estimated_and_said_to_be(lab: Any) -> None:
    model = Metered(lab.fickle(), lambda request, usage: Usage())
    outcome = await lab.run("a", lab.tasks(4), "none", model=model, budget=Budget(tokens=4000))
    assert outcome.open
    assert 1000 < outcome.budget.spent <= 4000
    with lab.ledger("a") as ledger:
        spent = spent_in(ledger, lab.config(lab.tasks(4), "none"), lambda id: CENT)
        assert spent.uncounted == len(_prompts(ledger)) > 0
    assert spent.usage.total_tokens == pytest.approx(outcome.budget.spent, rel=0.1)


async def test_a_call_that_fails_gives_back_what_was_held_for_it(lab: Any) -> None:
    request = Request("x" * 100, Sampling(max_tokens=50))
    account = Account(Budget(tokens=150))
    for _ in range(3):
        held = await account.reserve("m", request)
        assert held
        account.settle(held, "m", request, None)
    assert account.end is None

    class Failing(Metered):
        async def complete(self, request: Request) -> Completion:
            raise ModelError("no")

    outcome = await lab.run("a", lab.tasks(8), "none", Failing(lab.fickle()), budget=Budget(tokens=2000))
    assert outcome.failed == 8


async def test_prompts_that_hold_more_tokens_than_estimated_teach_it() -> None:
    request = Request("x" * 100, Sampling(max_tokens=10))
    account = Account(Budget(tokens=10_000))
    first = await account.reserve("m", request)
    assert first
    assert first.tokens == 50 + 16 + 10
    account.settle(first, "m", request, Completion("", Usage(300, 10), "stop"))
    second = await account.reserve("m", request)
    assert second
    assert second.tokens == 300 + 16 + 10
    account.settle(second, "m", request, Completion("", Usage(20, 10), "stop"))
    assert await account.reserve("m", request) == second


@given(
    limit=st.integers(100, 5000),
    calls=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 400), st.floats(0, 1)), max_size=30),
)
def test_no_order_of_calls_exceeds_a_budget(limit: int, calls: list[tuple[int, int, float]]) -> None:
    """Whatever is asked and whatever share of it is used: spent and held together never exceed the limit."""
    told: list[SpentBudget] = []

    async def run() -> int:
        account = Account(Budget(tokens=limit), on_spent=told.append)
        used = 0

        async def call(size: int, max_tokens: int, share: float) -> None:
            nonlocal used
            request = Request("x" * size, Sampling(max_tokens=max_tokens))
            if (held := await account.reserve("m", request)) is None:
                return
            assert account._spent.tokens + account._held.tokens <= limit
            await asyncio.sleep(0)
            usage = Usage(int(size * 0.3), max(1, int(max_tokens * share)))
            used += usage.total_tokens
            account.settle(held, "m", request, Completion("", usage, "stop"))

        await asyncio.gather(*(call(*each) for each in calls))
        assert account._held.tokens == 0
        assert account._spent.tokens == used
        return used

    assert asyncio.run(run()) <= limit
    assert len(told) <= 1


@pytest.mark.parametrize("values", [{"usd": -1}, {"usd": 0}, {"tokens": -5}, {"seconds": 0}, {"usd": float("nan")}])
def test_a_budget_that_buys_nothing_is_refused(values: dict[str, Any]) -> None:
    option = {"usd": "--max-usd", "tokens": "--max-total-tokens", "seconds": "--max-time"}[next(iter(values))]
    with pytest.raises(ConfigError, match=f"{option} .* buys nothing; write "):
        Budget(**values)
