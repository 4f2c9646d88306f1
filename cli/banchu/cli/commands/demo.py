"""`banchu demo`: a recorded run of a real model, replayed here without a model, a key or a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from banchu.cli.commands.options import Isolation

if TYPE_CHECKING:
    from banchu.experiments.launch import Launched


def demo(
    out: Annotated[Path, typer.Option(help="The folder that holds run folders.")] = Path("runs"),
    isolation: Isolation = "namespaces",
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Replay a recorded run of a small model: the tables, each flip, and a report. Needs no model, key or network.

    Its tasks are picked because something happens in them: a demonstration, not a measurement.

    Example: `banchu demo`
    """
    from dataclasses import asdict

    from banchu.analysis.figures import need_matplotlib
    from banchu.analysis.report import write_report
    from banchu.analysis.run import summarise_ledger
    from banchu.analysis.tables import print_summary
    from banchu.cli import demo as shown
    from banchu.cli.output import console, print_json
    from banchu.core.errors import ConfigError
    from banchu.experiments.digest import digest_of
    from banchu.experiments.rundir import open_run

    if not json:
        print(shown.INTRODUCTION)
    launched = _replay(out, isolation)
    try:
        need_matplotlib()
        figures = True
    except ConfigError:
        figures = False
    with open_run(launched.folder) as ledger:
        summary = summarise_ledger(ledger)
        report = write_report(ledger, launched.folder / "report", figures=figures).path
        flips = shown.flips_of(ledger, summary)
        likeness = shown.likeness_of(digest_of(ledger))
    if json:
        where = {"folder": str(launched.folder), "report": str(report)}
        told = {"ledger": asdict(likeness), "flips": [asdict(flip) for flip in flips]}
        print_json({**where, **told, "summary": summary.to_json()})
        return
    print_summary(summary, console())
    shown.print_flips(flips)
    shown.print_next(launched.folder, report, flips, likeness)


def _replay(out: Path, isolation: str) -> Launched:
    """Walk the run, each answer from the recording. A run that is there already is shown again."""
    import asyncio

    from banchu.cli import demo as shown
    from banchu.cli.watch import Watch
    from banchu.experiments.launch import launch
    from banchu.models.recorded import Recording

    async def walk(path: Path) -> Launched:
        with Watch() as watch, Recording(path, "replay") as recording:
            return await launch(shown.invocation(isolation), out, progress=watch, recording=recording)

    with shown.recorded() as path:
        return asyncio.run(walk(path))
