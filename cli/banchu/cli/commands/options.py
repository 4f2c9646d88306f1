"""Options that several commands have, in the same words."""

from __future__ import annotations

from typing import Annotated

import typer

# The tiers stand here in full because the judge is too heavy to import for `--help`; a test compares them.
ISOLATION_HELP = (
    "What holds a candidate: namespaces; landlock (where user namespaces are forbidden); bwrap (inside bubblewrap); "
    "docker (a warm container a slot, docker+image=NAME+runtime=runsc). There is no fall to less; `banchu doctor` "
    "says what can be had here."
)

Isolation = Annotated[str, typer.Option(help=ISOLATION_HELP)]
Confirm = Annotated[
    int, typer.Option(help="Judge each program N times with other random seeds; where verdicts differ it is `flaky`.")
]
