"""What a run and each of its episodes may cost, as options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

if TYPE_CHECKING:
    from banchu.experiments.budget import Budget
    from banchu.experiments.prices import Prices

MaxUsd = Annotated[
    str | None,
    typer.Option(metavar="USD", help="Most that the whole run may cost; then it stops, and goes on with a larger one."),
]
MaxTotalTokens = Annotated[
    str | None, typer.Option(metavar="N", help="Most tokens of prompts and answers that the whole run may buy.")
]
MaxTime = Annotated[str | None, typer.Option(metavar="TIME", help="Most time for this command: 90s, 15m, 2h30m.")]
EpisodeUsd = Annotated[
    str | None,
    typer.Option(
        metavar="USD", help="Most that one episode may cost; then its last attempt is its answer. Part of the run."
    ),
]
EpisodeTokens = Annotated[
    str | None, typer.Option(metavar="N", help="Most tokens of prompts and answers that one episode may use. As above.")
]
EpisodeTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Time inside model calls after which an episode begins no other, such as 90s. Kept with each answer, so a "
        "resumed run counts the same; another run does not.",
    ),
]
PriceFile = Annotated[
    Path | None, typer.Option("--prices", metavar="FILE", help="TOML with prices by model, over the built-in lists.")
]


@dataclass(frozen=True, slots=True)
class EpisodeFlags:
    """What one episode may use."""

    PANEL: ClassVar[str] = "Budget of an episode, a part of the run"
    episode_usd: EpisodeUsd = None
    episode_tokens: EpisodeTokens = None
    episode_time: EpisodeTime = None

    def said(self) -> dict[str, Any]:
        """As fields of `Invocation`. Raises ConfigError: names option, value and remedy."""
        from banchu.cli.budgets import read_episode_budget

        return {**read_episode_budget(self.episode_usd, self.episode_tokens, self.episode_time)}


@dataclass(frozen=True, slots=True)
class BudgetFlags:
    """What a whole run may cost; another budget goes on with the same run."""

    PANEL: ClassVar[str] = "Budget of the run"
    max_usd: MaxUsd = None
    max_total_tokens: MaxTotalTokens = None
    max_time: MaxTime = None
    prices: PriceFile = None

    def budget(self) -> Budget:
        """Raises ConfigError: names option, value and remedy."""
        from banchu.cli.budgets import read_budget

        return read_budget(self.max_usd, self.max_total_tokens, self.max_time)

    def known(self) -> Prices:
        """The prices that are known. Raises ConfigError, DataError."""
        from banchu.cli.budgets import read_prices

        return read_prices(self.prices)
