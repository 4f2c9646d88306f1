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
Critic = Annotated[str | None, typer.Option(help="A second model that reviews and explains answers. Default: --model.")]
Reflector = Annotated[str | None, typer.Option(help="A second model that writes the lessons. Default: --model.")]
MaxTokens = Annotated[int | None, typer.Option(help="Length of one answer. Default: 1024 in chat, 192 for completion.")]
Otel = Annotated[
    str | None,
    typer.Option(
        "--otel",
        metavar="URL|FILE",
        help="Send OpenTelemetry spans of the run to http://HOST:4318, to FILE.jsonl, or where the environment says "
        "(env). See docs/observability.md.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a run that costs money.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the most that the run can cost, and buy nothing.")]
