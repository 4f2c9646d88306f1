"""`banchu report`: a run as Markdown with figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[str, typer.Argument(help="A run's folder, its name under ./runs, or `last`.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder to write in. Default: `report` in the run's folder.")
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Figures need `pip install 'banchu\\[figures]'`.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the paths that were written as JSON.")] = False,
) -> None:
    """Write report.md: plain words, every table, figures, each flip, what is counted apart, how it was run.

    Of a run that is not finished too. Holds no sealed test; the same run gives the same bytes.

    Examples: `banchu report last` · `banchu report last --out docs/my-run --no-figures`
    """
    from banchu.analysis.report import write_report
    from banchu.cli.output import print_json
    from banchu.cli.runs import find_run
    from banchu.experiments.rundir import open_run

    with open_run(find_run(run)) as ledger:
        written = write_report(ledger, out or ledger.path.parent / "report", figures=figures)
    if json:
        print_json({"report": str(written.path), "figures": [str(path) for path in written.figures]})
        return
    print(f"report: {written.path}")
    if written.figures:
        print(f"figures: {written.figures[0].parent} ({len(written.figures)} files)")
