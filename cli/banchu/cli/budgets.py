"""Budgets of a run and of an episode as a user writes them, and what a run has cost, in words."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypedDict

from banchu.core.errors import ConfigError

if TYPE_CHECKING:
    from banchu.core.chat import Usage
    from banchu.experiments.budget import Budget
    from banchu.experiments.estimate import Estimate
    from banchu.experiments.launch import Invocation, Launched
    from banchu.experiments.prices import Prices
    from banchu.experiments.spending import Spent
    from banchu.models.recorded import Recording

_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_TIME: Final = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_UNKNOWN: Final = "price unknown"


def read_budget(max_usd: str | None, max_total_tokens: str | None, max_time: str | None) -> Budget:
    """The budget that the options mean. Raises ConfigError: names option, value and remedy."""
    from banchu.experiments.budget import Budget

    usd = None if max_usd is None else _number("--max-usd", max_usd, "an amount in USD, such as 2.50")
    tokens = _tokens_of("--max-total-tokens", max_total_tokens)
    return Budget(usd, tokens, None if max_time is None else _seconds("--max-time", max_time))


def read_prices(path: Path | None) -> Prices:
    """As `banchu.experiments.prices.read_prices`, which takes long to import."""
    from banchu.experiments import prices

    return prices.read_prices(path)


class EpisodeOptions(TypedDict):
    """As an `Invocation` has them."""

    episode_usd: float | None
    episode_tokens: int | None
    episode_time: float | None


def read_episode_budget(usd: str | None, tokens: str | None, time: str | None) -> EpisodeOptions:
    """What one episode may use. Raises ConfigError: names option, value and remedy."""
    return {
        "episode_usd": None if usd is None else _number("--episode-usd", usd, "an amount in USD, such as 0.02"),
        "episode_tokens": _tokens_of("--episode-tokens", tokens),
        "episode_time": None if time is None else _seconds("--episode-time", time),
    }


def _tokens_of(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    tokens = _number(option, text, "a whole number, such as 500000")
    if not tokens.is_integer():
        raise ConfigError(f"{option} {text!r} is no whole number; write one, such as 500000")
    return int(tokens)


def _number(option: str, text: str, remedy: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{option} {text!r} is no number; write {remedy}")
    return value


def _seconds(option: str, text: str) -> float:
    found = _TIME.fullmatch(text.strip())
    if not text.strip() or not found:
        raise ConfigError(
            f"{option} {text!r} is no time; write numbers with the units d, h, m and s, such as 2h30m or 90s"
        )
    return sum(float(part) * unit for part, unit in zip(found.groups(), _SECONDS.values(), strict=True) if part)


def spent_by(folder: Path, prices: Prices) -> Spent:
    """What the run in `folder` has cost so far. Raises DataError."""
    from banchu.experiments.rundir import open_run, stored_config
    from banchu.experiments.spending import spent_in

    with open_run(folder) as ledger:
        return spent_in(ledger, stored_config(ledger), prices.rate)


def spent_line(spent: Spent) -> str:
    """`spent: 12.3k + 4.5k tokens, 0.0123 USD`."""
    line = f"spent: {_tokens(spent.usage)}, {_usd(spent.usd)}"
    if spent.unpriced:
        line += f" ({', '.join(spent.unpriced)})"
    if spent.uncounted:
        line += f"; {spent.uncounted} answers came without a count of tokens, which are estimated"
    return line


def budget_line(launched: Launched) -> str | None:
    """What the budget left undone, and how to go on; None: it left nothing."""
    outcome = launched.outcome
    if (budget := outcome.budget) is None:
        return None
    return (
        f"{budget}; {outcome.open} of {outcome.total} episodes have not ended. `banchu resume {launched.folder}` with "
        f"{budget.larger} goes on, and buys nothing twice"
    )


def budget_json(launched: Launched) -> dict[str, Any] | None:
    """As `budget_line`, for a program."""
    from dataclasses import asdict

    budget = launched.outcome.budget
    return None if budget is None else {**asdict(budget), "over": budget.over}


def print_estimate(
    invocation: Invocation, out: Path, recording: Recording | None, prices: Prices, *, fresh: bool, as_json: bool
) -> None:
    """What `--dry-run` says. Raises as `banchu.experiments.launch.plan`."""
    import asyncio

    from banchu.cli.output import print_json
    from banchu.experiments.launch import plan

    found = asyncio.run(plan(invocation, out, fresh=fresh, recording=recording, prices=prices))
    if as_json:
        print_json({**found.to_json(), "not_counted": paid_embedder(invocation)})
        return
    each = f", each of at most {found.episode_budget}" if found.episode_budget else ""
    print(f"episodes: {found.episodes}{each}")
    roles = ", ".join(f"{share.role} {share.calls:,}" for share in found.shares)
    print(f"calls: at most {found.calls:,} ({roles})")
    less = f", {_short(found.tokens)} by the episodes' own budget" if found.tokens < found.usage.total_tokens else ""
    print(f"tokens: at most {_tokens(found.usage)} (prompts, estimated, and answers){less}")
    print(f"cost: {most_usd(found)}")
    print_embedder(invocation)
    there = " (there already: what it has bought is in these figures)" if found.folder.exists() else ""
    print(f"run folder: {found.folder}{there}")
    print("nothing was bought")


def paid_embedder(invocation: Invocation) -> list[str]:
    """What an estimate does not count: how much is embedded is known when lessons are there. Empty: nothing."""
    from banchu.models.registry import is_api

    return [invocation.embedder] if is_api(invocation.embedder) else []


def print_embedder(invocation: Invocation, file: TextIO | None = None) -> None:
    """The same in words."""
    for embedder in paid_embedder(invocation):
        print(f"and what --embedder {embedder} costs, which is not in these figures", file=file)


def most_usd(found: Estimate) -> str:
    """`at most 1.2000 USD`, or that nobody knows."""
    unknown = f" ({', '.join(found.unpriced)}); --prices FILE gives it" if found.unpriced else ""
    return f"{'' if found.usd is None else 'at most '}{_usd(found.usd)}{unknown}"


def _tokens(usage: Usage) -> str:
    return f"{_short(usage.prompt_tokens)} + {_short(usage.completion_tokens)} tokens"


def _short(count: int) -> str:
    """`950`, `12.3k`, `4.5M`."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}k" if count < 999_950 else f"{count / 1e6:.1f}M"


def _usd(amount: Decimal | None) -> str:
    if amount is None:
        return _UNKNOWN
    return "0 USD" if not amount else f"{amount:.4f} USD" if amount >= Decimal("0.0001") else "less than 0.0001 USD"
