"""The most that a run can cost: never less than what it does cost, and what it costs where nothing ends early."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from banchu.cli import demo
from banchu.core.chat import Usage
from banchu.experiments.estimate import Estimate, estimate
from banchu.experiments.launch import plan
from banchu.experiments.prices import FREE, Rate
from banchu.models.recorded import Recording

MANY = (
    "none,none+rounds=4,placebo,intrinsic,intrinsic+review=turns,intrinsic+stop=accepted+window=2,self_tests,"
    "visible_tests+explain=trace+choose=best,self_tests+search=repair+width=2+rounds=4,oracle_trace,oracle_stop,"
    "self_tests+search=tree+width=2+rounds=3+tests=2,execution+explain=critique,none+gate=self_tests+choose=best"
)


def no_price(model: str) -> Rate | None:
    return None


async def bought(lab: Any, arms: str, **values: Any) -> tuple[Estimate, Counter[str | None], Usage]:
    """The estimate, and what a run of two tasks did buy: calls by role, and tokens."""
    tasks = lab.tasks(2)
    found = estimate(lab.config(tasks, arms, **values), tasks, Path("x"), lambda model: FREE)
    await lab.run("a", tasks, arms, **values)
    with lab.ledger("a") as ledger:
        return found, Counter[str | None]({each.role: each.calls for each in ledger.bought()}), ledger.purchased()


async def test_arms_that_never_end_early_buy_what_is_estimated(lab: Any) -> None:
    arms = "none,none+rounds=4,placebo,intrinsic,intrinsic+review=turns,execution+window=0"
    found, calls, tokens = await bought(lab, arms, repeats=2)
    shared, revised = 5, 4 * 2
    assert {share.role: share.calls for share in found.shares} == {
        "actor": (shared + revised) * 2 * 2,
        "critic": 2 * 2 * 2 * 2,
        "reflector": 2 * 2 * 2,
    }
    assert {share.role: share.calls for share in found.shares} == calls
    assert found.calls == calls.total()
    assert found.episodes == 6 * 2 * 2
    assert tokens.prompt_tokens < found.usage.prompt_tokens
    assert tokens.completion_tokens < found.usage.completion_tokens


async def test_no_arm_buys_more_than_is_estimated(lab: Any) -> None:
    found, calls, tokens = await bought(lab, MANY)
    at_most: dict[str | None, int] = {share.role: share.calls for share in found.shares}
    assert set(calls) == set(at_most) == {"actor", "tester", "critic", "reflector"}
    assert all(calls[role] <= at_most[role] for role in calls)
    assert tokens.total_tokens <= found.usage.total_tokens


async def test_a_budget_of_episodes_bounds_the_whole(lab: Any) -> None:
    whole, _, _ = await bought(lab, "none,intrinsic")
    found = estimate(
        lab.config(lab.tasks(2), "none,intrinsic", episode_tokens=1700), lab.tasks(2), Path("x"), lambda model: FREE
    )
    assert found.tokens == 4 * 1700 < whole.usage.total_tokens == whole.tokens == found.usage.total_tokens
    assert found.to_json()["most_of_an_episode"] == {"usd": None, "tokens": 1700, "seconds": None}
    assert "most_of_an_episode" not in whole.to_json()
    rates = {"scripted:fickle": {"input": "0.001", "output": "0.001", "call": "0"}}
    dear = lab.config(lab.tasks(2), "none,intrinsic", episode_usd=1.7, episode_rates=rates)
    assert estimate(dear, lab.tasks(2), Path("x"), dear.episode_budget.rates.get).usd == Decimal("6.8")


async def test_a_real_models_run_cost_less_than_its_estimate() -> None:
    """The recorded run of `banchu demo`: every token as the model's own tokenizer counted it."""
    with demo.recorded() as path:
        with Recording(path, "replay") as recording:
            found = await plan(demo.invocation(), recording=recording)
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    usages = [usage for row in rows if (usage := _usage(row))]
    prompt, completion = (sum(usage[name] for usage in usages) for name in ("prompt_tokens", "completion_tokens"))
    assert 20 < len(usages) <= found.calls
    assert prompt <= found.usage.prompt_tokens <= 8 * prompt
    assert completion <= found.usage.completion_tokens <= 8 * completion


def _usage(row: Any) -> dict[str, int] | None:
    """The first object in `row` that counts tokens."""
    if not isinstance(row, dict):
        return None
    if "prompt_tokens" in row:
        return row
    return next((found for value in row.values() if (found := _usage(value))), None)


@pytest.mark.parametrize(("rate", "usd"), [(no_price, None), (lambda model: FREE, 0)])
def test_an_estimate_in_dollars_needs_every_price(lab: Any, rate: Any, usd: int | None) -> None:
    tasks = lab.tasks(1)
    found = estimate(lab.config(tasks, "none"), tasks, Path("x"), rate)
    assert found.usd == usd
    assert found.unpriced == (["scripted:fickle"] if usd is None else [])
    assert found.to_json()["most_usd"] == usd
