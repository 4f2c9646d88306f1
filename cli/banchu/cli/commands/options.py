"""Options that several commands have, in the same words."""

from __future__ import annotations

from typing import Annotated

import typer

# The names and tiers stand here in full because what knows them is too heavy to import for `--help`; a test compares.
BENCHMARK_HELP = (
    "`humaneval` (164 tasks), `easy` (108 for very small models; `easy+split=train`: 212 others), `mbpp:FILE`, or a "
    ".jsonl file in HumanEval's format."
)
ISOLATION_HELP = (
    "What holds a candidate: namespaces; landlock (where user namespaces are forbidden); bwrap (inside bubblewrap); "
    "docker (a warm container a slot, docker+image=NAME+runtime=runsc). There is no fall to less; `banchu doctor` "
    "says what can be had here."
)

Isolation = Annotated[str, typer.Option(help=ISOLATION_HELP)]
Confirm = Annotated[
    int, typer.Option(help="Judge each program N times with other random seeds; where verdicts differ it is `flaky`.")
]
