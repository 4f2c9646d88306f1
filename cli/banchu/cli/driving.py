"""Driving a run from the command line: Ctrl-C, the display, and what is printed when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from banchu.cli.watch import Watch
    from banchu.experiments.launch import Launched
    from banchu.experiments.prices import Prices
    from banchu.experiments.runner import Runner
    from banchu.experiments.tracing import Tracing
    from banchu.models.recorded import Recording

_Start = Callable[..., Coroutine[Any, Any, "Launched"]]
"""`launch` or `resume`, but for what watches the run and who answers in it."""


def drive_run(
    start: _Start, recording: Recording | None, prices: Prices, *, as_json: bool, otel: str | None = None
) -> None:
    """Run to the end or to Ctrl-C, then print what there is. Exits 1 when incomplete, 130 when interrupted.

    Args:
        prices: for what it has cost.
        otel: where its spans go; None: nowhere.
    """
    import asyncio
    import logging
    import signal
    import sys

    from banchu.cli.watch import Watch
    from banchu.core.errors import BanchuError

    # What our own modules have to say of slow steps; other packages' loggers stay as they are.
    logging.basicConfig(format="%(message)s")
    logging.getLogger("banchu").setLevel(logging.INFO)
    interrupted = False
    folder: Path | None = None

    async def drive(watch: Watch, tracing: Tracing | None) -> Launched:
        current = asyncio.current_task()

        def on_start(runner: Runner, where: Path) -> None:
            nonlocal folder
            folder = where
            if not as_json:
                watch.notice(f"run folder: {where}")

            def on_interrupt() -> None:
                nonlocal interrupted
                if interrupted and current:
                    current.cancel()
                interrupted = True
                waiting = runner.drain()
                watch.notice(f"stopping: {waiting} calls in flight are finished and kept; Ctrl-C again stops at once")

            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, on_interrupt)

        return await start(progress=watch, on_start=on_start, recording=recording, tracing=tracing)

    try:
        with _traced(otel) as tracing, Watch() as watch:
            launched = asyncio.run(drive(watch, tracing))
    except (asyncio.CancelledError, KeyboardInterrupt):
        _say_where(folder, "interrupted")
        raise typer.Exit(130) from None
    except BanchuError:
        _say_where(folder, "stopped by an error")
        raise
    _report(launched, recording, prices, as_json=as_json)
    if interrupted:
        print(f"interrupted: {launched.outcome.open} episodes to go; the same command goes on", file=sys.stderr)
        raise typer.Exit(130)
    if not launched.outcome.complete:
        raise typer.Exit(1)


def _traced(otel: str | None) -> AbstractContextManager[Tracing | None]:
    import sys

    if otel is None:
        return nullcontext()
    from banchu.experiments.otel import traced

    return traced(otel, lambda line: print(line, file=sys.stderr))


def _report(launched: Launched, recording: Recording | None, prices: Prices, *, as_json: bool) -> None:
    from banchu.analysis.run import summarise_run
    from banchu.cli.budgets import spent_by, spent_line
    from banchu.cli.output import console, print_json

    spent = spent_by(launched.folder, prices)
    summary = summarise_run(launched.folder)
    if as_json:
        answers = {"recording": recording.to_json()} if recording else {}
        told = {"folder": str(launched.folder), "outcome": _plain(launched), "spent": spent.to_json(), **answers}
        print_json({**told, "summary": summary.to_json()})
        return
    from banchu.analysis.tables import print_summary

    print_summary(summary, console())
    for note in launched.notes:
        print(note)
    _print_incomplete(launched)
    print(spent_line(spent))
    if recording:
        print(recording.summary())
    folder = launched.folder
    print(f"run folder: {folder}")
    print(f"next: banchu show {folder}            attempts of each task, and one episode in full")
    print(f"      banchu compare {folder}         every pair of arms")


def _print_incomplete(launched: Launched) -> None:
    from banchu.cli.budgets import budget_line

    outcome = launched.outcome
    again = f"run the same command, or `banchu resume {launched.folder}`, to go on"
    if outcome.failed:
        print(f"{outcome.failed} episodes failed on a model error and count as not solved; {again}")
    if line := budget_line(launched):
        print(line)
    elif outcome.open:
        print(f"{outcome.open} of {outcome.total} episodes have not ended; {again}")
    if outcome.unjudged:
        print(f"{outcome.unjudged} attempts are unjudged because the judge failed; {again}")


def _plain(launched: Launched) -> dict[str, Any]:
    from dataclasses import asdict

    from banchu.cli.budgets import budget_json

    outcome = launched.outcome
    plain = {**asdict(outcome), "open": outcome.open, "complete": outcome.complete}
    return {**plain, "budget": budget_json(launched)}


def _say_where(folder: Path | None, what: str) -> None:
    import sys

    if folder:
        print(f"{what}; what was done is in {folder}, and the same command goes on from there", file=sys.stderr)
