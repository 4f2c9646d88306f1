"""`--max-usd`, `--max-total-tokens` and `--max-time` as a user writes them, and what a run has cost, in words."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from banchu.core.errors import ConfigError

if TYPE_CHECKING:
    from banchu.core.chat import Usage
    from banchu.experiments.budget import Budget
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
    tokens = None
    if max_total_tokens is not None:
        tokens = _number("--max-total-tokens", max_total_tokens, "a whole number, such as 500000")
        if not tokens.is_integer():
            raise ConfigError(f"--max-total-tokens {max_total_tokens!r} is no whole number; write one, such as 500000")
    seconds = None if max_time is None else _seconds(max_time)
    return Budget(usd, None if tokens is None else int(tokens), seconds)


def _number(option: str, text: str, remedy: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{option} {text!r} is no number; write {remedy}")
    return value


def _seconds(text: str) -> float:
    found = _TIME.fullmatch(text.strip())
    if not text.strip() or not found:
        raise ConfigError(
            f"--max-time {text!r} is no time; write numbers with the units d, h, m and s, such as 2h30m or 90s"
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
    larger = "" if budget.option == "--max-time" else "a larger "
    return (
        f"{budget}; {outcome.open} of {outcome.total} episodes have not ended. `banchu resume {launched.folder}` with "
        f"{larger}{budget.option} goes on, and buys nothing twice"
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
        print_json(found.to_json())
        return
    print(f"episodes: {found.episodes}")
    roles = ", ".join(f"{share.role} {share.calls:,}" for share in found.shares)
    print(f"calls: at most {found.calls:,} ({roles})")
    print(f"tokens: at most {_tokens(found.usage)} (prompts, estimated, and answers)")
    unknown = f" ({', '.join(found.unpriced)}); --prices FILE gives it" if found.unpriced else ""
    print(f"cost: {'' if found.usd is None else 'at most '}{_usd(found.usd)}{unknown}")
    there = " (there already: what it has bought is in these figures)" if found.folder.exists() else ""
    print(f"run folder: {found.folder}{there}")
    print("nothing was bought")


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
