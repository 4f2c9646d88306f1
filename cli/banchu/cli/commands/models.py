"""`banchu models`: what can answer on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def models(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the kinds of models, and what each still needs here.

    Example: `banchu models`
    """
    from dataclasses import asdict

    from banchu.cli.output import print_json, print_table
    from banchu.models.registry import list_models

    found = list_models()
    if json:
        print_json([asdict(info) for info in found])
        return
    print_table(
        ("--model", "what it is", "here", "to do"),
        [(i.spec, i.description, "ready" if i.usable else "not yet", i.remedy or None) for i in found],
    )
