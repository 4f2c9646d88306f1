"""`banchu export`: a run as tidy tables for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[str, typer.Argument(help="A run's folder, its name under ./runs, or `last`.")],
    format: Annotated[str, typer.Option("--format", "-f", help="csv, jsonl or parquet.")] = "csv",
    table: Annotated[
        str,
        typer.Option("--table", "-t", help="attempts, episodes, calls, feedback, self_tests, tool_calls or recalls."),
    ] = "attempts",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; one that is there is replaced. Default: stdout.")
    ] = None,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="With texts that may hold sealed tests. Keep such a file to yourself.")
    ] = False,
) -> None:
    """Write one table of a run: a row for each attempt, episode, model call, call of a tool, lesson that was told, ...

    Every column is described in docs/export.md. Of arms that are shown sealed tests, prompts, replies, feedback and
    reflections are left empty unless --sealed. Parquet needs `pip install 'banchu\\[parquet]'` and --out.

    Examples: `banchu export last > attempts.csv` · `banchu export last --table calls --format jsonl` ·
    `banchu export last --table episodes --format parquet --out episodes.parquet`
    """
    import sys

    from banchu.analysis.columns import TABLE_NAMES, TABLES
    from banchu.analysis.export import rows
    from banchu.analysis.tabular import FORMATS, write_file, write_text
    from banchu.cli.runs import find_run
    from banchu.core.errors import ConfigError, unknown
    from banchu.experiments.rundir import open_run, stored_config

    if format not in FORMATS:
        raise unknown("--format", format, FORMATS)
    if table not in TABLE_NAMES:
        raise unknown("--table", table, TABLE_NAMES)
    if format == "parquet" and out is None:
        raise ConfigError("--format parquet is not for a terminal; name a file with --out")
    with open_run(find_run(run)) as ledger:
        stored_config(ledger)  # a run that died before it began is an error here as in `show`
        found = rows(ledger, table, run=ledger.path.resolve().parent.name, sealed=sealed)
        if out is None:
            write_text(found, TABLES[table], format, sys.stdout)
            return
        count = write_file(found, TABLES[table], format, out)
    print(f"{count} rows of {table}: {out}")
