"""`banchu digest`: whether two runs are the same run, and where they differ if not."""

from __future__ import annotations

from typing import Annotated

import typer


def digest(
    run: Annotated[str, typer.Argument(help="A run's folder, its name under ./runs, or `last`.")],
    other: Annotated[
        str | None, typer.Argument(help="Another run, or a .json file that `banchu digest RUN --json` wrote.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print one sha256 of all that a run's ledger holds, or compare two: is my replay the same run as yours?

    Prompts, answers, programs, verdicts, feedback and the configuration are in it. Times are not, nor the versions of
    Python and packages, nor how the run was asked for. The exit code is 7 where two ledgers differ.

    Examples: `banchu digest last` · `banchu digest last --json > mine.json` · `banchu digest last yours.json`
    """
    from pathlib import Path

    from banchu.cli.output import print_json, print_table
    from banchu.cli.runs import find_run
    from banchu.experiments.digest import LedgerDigest, differing, digest_of, read_digest
    from banchu.experiments.rundir import open_run

    def found(name: str) -> LedgerDigest:
        if name.endswith(".json"):
            return read_digest(Path(name))
        with open_run(find_run(name)) as ledger:
            return digest_of(ledger)

    def rows_in(side: LedgerDigest, table: str) -> int:
        return side.tables[table].rows if table in side.tables else 0

    one = found(run)
    if other is None:
        if json:
            print_json(one.to_json())
            return
        print(f"sha256 {one.sha256}")
        print_table(("table", "rows", "sha256"), ((name, t.rows, t.sha256) for name, t in one.tables.items()))
        return
    second = found(other)
    differs = differing(one, second)
    if json:
        print_json({"same": not differs, "sha256": [one.sha256, second.sha256], "differs": differs})
    elif not differs:
        print(f"the same ledger: sha256 {one.sha256}")
    else:
        print(f"not the same ledger: sha256 {one.sha256}\n{'and':>27} {second.sha256}")
        rows = ((name, *(rows_in(side, name) for side in (one, second)), ", ".join(differs[name])) for name in differs)
        print_table(("table", "rows", "rows of the other", "differs in"), rows)
    if differs:
        raise typer.Exit(7)
