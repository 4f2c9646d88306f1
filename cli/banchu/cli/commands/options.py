"""Options that several commands have, in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
MaxRpm = Annotated[int | None, typer.Option(help="Requests to an API in any minute at most.")]
MaxTpm = Annotated[int | None, typer.Option(help="Tokens of an API in any minute at most.")]
MaxConnections = Annotated[int, typer.Option(help="Requests in flight to an API at most.")]
Patience = Annotated[float, typer.Option(help="Seconds for which a call to an API is tried again.")]
Omit = Annotated[
    str, typer.Option(help="Fields that the API's model does not take, such as temperature,top_p,max_tokens.")
]
BaseUrl = Annotated[str | None, typer.Option(help="An OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1.")]
Style = Annotated[
    str | None, typer.Option(help="How to ask for code: chat or completion. Default: what suits the model.")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes of a local model. Default: one a core, or one a GPU, if they fit.")
]
Critic = Annotated[str | None, typer.Option(help="A second model that reviews and explains answers. Default: --model.")]
Reflector = Annotated[str | None, typer.Option(help="A second model that writes the lessons. Default: --model.")]
MaxTokens = Annotated[int | None, typer.Option(help="Length of one answer. Default: 1024 in chat, 192 for completion.")]
MaxUsd = Annotated[
    str | None,
    typer.Option(metavar="USD", help="Most that the whole run may cost; then it stops, and goes on with a larger one."),
]
MaxTotalTokens = Annotated[
    str | None, typer.Option(metavar="N", help="Most tokens of prompts and answers that the whole run may buy.")
]
MaxTime = Annotated[str | None, typer.Option(metavar="TIME", help="Most time for this command: 90s, 15m, 2h30m.")]
EpisodeUsd = Annotated[
    str | None,
    typer.Option(
        metavar="USD", help="Most that one episode may cost; then its last attempt is its answer. Part of the run."
    ),
]
EpisodeTokens = Annotated[
    str | None, typer.Option(metavar="N", help="Most tokens of prompts and answers that one episode may use. As above.")
]
EpisodeTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Time inside model calls after which an episode begins no other, such as 90s. Kept with each answer, so a "
        "resumed run counts the same; another run does not.",
    ),
]


@dataclass(frozen=True, slots=True)
class EpisodeFlags:
    """What one episode may use."""

    episode_usd: EpisodeUsd = None
    episode_tokens: EpisodeTokens = None
    episode_time: EpisodeTime = None


PriceFile = Annotated[
    Path | None, typer.Option("--prices", metavar="FILE", help="TOML with prices by model, over the built-in lists.")
]
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
