"""`banchu doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check what works on this machine, and say what to do about what does not.

    Every isolation is tried for real; `namespaces` is what commands use unless you say `--isolation`. Exits 5 when
    there is none that a candidate can be judged in, 0 otherwise.

    Example: `banchu doctor`
    """
    from dataclasses import asdict

    from banchu.cli.checkup import ISOLATION, checkup
    from banchu.cli.output import print_json, print_table

    checks = checkup()
    if json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(
            ("check", "", "found", "to do"),
            [(c.name, "ok" if c.ok else "no", c.found, c.remedy or None) for c in checks],
        )
    if not any(check.ok for check in checks if check.name.startswith(ISOLATION)):
        raise typer.Exit(5)
