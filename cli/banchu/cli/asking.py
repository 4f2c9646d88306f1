"""The question before a run that costs money: what it may cost at most, and whether to start."""

from __future__ import annotations

import sys
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from banchu.experiments.budget import Budget
    from banchu.experiments.launch import Invocation
    from banchu.experiments.prices import Prices
    from banchu.models.recorded import Recording


def ask_before_paying(
    invocation: Invocation, out: Path, recording: Recording | None, prices: Prices, budget: Budget, *, fresh: bool
) -> None:
    """Ask whether to start where the run costs something, or nobody knows what, and somebody is there to answer.

    Raises:
        typer.Exit: with 1; the answer was no, and nothing was bought.
        ConfigError, DataError, ModelError: as `banchu.experiments.launch.plan`.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or (recording and recording.replays):
        return
    import asyncio

    from banchu.cli.budgets import most_usd, paid_embedder, print_embedder
    from banchu.experiments.launch import plan

    found = asyncio.run(plan(invocation, out, fresh=fresh, recording=recording, prices=prices))
    if found.usd == 0 and not paid_embedder(invocation):
        return
    print(
        f"episodes: {found.episodes:,}; calls: at most {found.calls:,}; cost: {most_usd(found)}",
        file=sys.stderr,
    )
    print_embedder(invocation, sys.stderr)
    if any(limit is not None for limit in astuple(budget)):
        print("the run's budget ends it before that", file=sys.stderr)
    if not typer.confirm("Start? (--yes does not ask)", err=True):
        print("nothing was bought", file=sys.stderr)
        raise typer.Exit(1)
