"""`banchu run` and `banchu resume`: start an experiment, or go on with one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from banchu.cli.budget_flags import BudgetFlags, EpisodeFlags
from banchu.cli.commands.options import (
    BENCHMARK_HELP,
    Confirm,
    Critic,
    DryRun,
    Isolation,
    MaxTokens,
    Otel,
    Reflector,
    Yes,
)
from banchu.cli.flags import takes_flags
from banchu.cli.memory_flags import MemoryFlags
from banchu.cli.model_flags import MachineFlags, ModelFlags
from banchu.cli.recording import RecordFlags
from banchu.cli.tool_flags import ToolFlags

ModelName = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="`smollm2`, `hf:PATH_OR_ID`, `vllm:PATH_OR_ID`, `openai:NAME`; see `banchu models`."
    ),
]
Concurrency = Annotated[int, typer.Option(help="Episodes in flight; a local model answers 64 at once in each process.")]
Arms = Annotated[
    str,
    typer.Option(
        help="Comma-separated: none, placebo, intrinsic, tools, self_tests, visible_tests, execution, oracle_stop, "
        "oracle_verdict, oracle_trace, random, or a recipe (`banchu recipes`). Each with options, such as "
        "intrinsic+stop=done+window=3, none+gate=self_tests, self_tests+search=tree+rounds=8; see docs/arms.md."
    ),
]
Controls = Annotated[
    bool, typer.Option(help="Add the arms that these must beat: fresh samples, votes, gates, the placebo.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON; progress stays on stderr.")]


@takes_flags
def run(
    benchmark: Annotated[str, typer.Argument(help=BENCHMARK_HELP)],
    model: ModelName,
    flags: ModelFlags,
    tool_flags: ToolFlags,
    memory: MemoryFlags,
    episode: EpisodeFlags,
    limits: BudgetFlags,
    kept: RecordFlags,
    arms: Arms = "none,intrinsic,oracle_trace",
    controls: Controls = True,
    critic: Critic = None,
    reflector: Reflector = None,
    rounds: Annotated[int, typer.Option(help="Attempts after the first.")] = 2,
    repeats: Annotated[int, typer.Option(help="Episodes of each arm on each task, with other seeds.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Only the first N tasks.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task (`3` or `HumanEval/3`); repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="All seeds of the run derive from it.")] = 0,
    temperature: Annotated[float, typer.Option(help="0 is greedy: then `none` repeats its first answer.")] = 0.2,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = 1.0,
    max_tokens: MaxTokens = None,
    concurrency: Concurrency = 128,
    isolation: Isolation = "namespaces",
    confirm: Confirm = 1,
    out: Annotated[Path, typer.Option(help="The folder that holds run folders.")] = Path("runs"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start a new run beside an equal one.")] = False,
    otel: Otel = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Run feedback arms side by side on a benchmark, and compare them.

    The same command goes on where it stopped (Ctrl-C, a crash, a full disk): nothing is bought twice.

    Example: `banchu run humaneval -m openai:gpt-4o-mini --arms none,intrinsic,oracle_stop --repeats 3`
    """
    from banchu.cli.asking import ask_before_paying
    from banchu.cli.budgets import print_estimate
    from banchu.cli.driving import drive_run
    from banchu.experiments.launch import Invocation, launch

    invocation = Invocation(
        benchmark=benchmark,
        model=model,
        arms=_with_controls(arms, rounds) if controls else arms,
        rounds=rounds,
        repeats=repeats,
        limit=limit,
        tasks=tuple(task or ()),
        seed=seed,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        model_options=flags.options(),
        isolation=isolation,
        confirm=confirm,
        critic=critic,
        reflector=reflector,
        tools=tool_flags.options(),
        **episode.said(),
        **memory.said(),
    )
    budget, known = limits.budget(), limits.known()
    start = partial(launch, invocation, out, fresh=fresh, concurrency=concurrency, budget=budget, prices=known)
    act = partial(print_estimate, invocation, out, fresh=fresh) if dry_run else partial(drive_run, start, otel=otel)
    with kept.opened(dry=dry_run) as recording:
        if not (dry_run or yes or json):
            ask_before_paying(invocation, out, recording, known, budget, fresh=fresh)
        act(recording, known, as_json=json)


@takes_flags
def resume(
    run: Annotated[str, typer.Argument(help="A run's folder, its name under ./runs, or `last`.")],
    flags: MachineFlags,
    limits: BudgetFlags,
    kept: RecordFlags,
    concurrency: Concurrency = 128,
    otel: Otel = None,
    json: Json = False,
) -> None:
    """Go on with a run from its folder alone: arms, judging and what an episode may use are the run's own.

    Where a local model runs may differ: --device, --workers, and --dtype or --adapter where they mean the same there.

    Example: `banchu resume last`
    """
    from banchu.cli.driving import drive_run
    from banchu.cli.runs import find_run
    from banchu.experiments.launch import resume as resume_run

    folder = find_run(run)
    budget, known = limits.budget(), limits.known()
    with kept.opened() as recording:
        start = partial(resume_run, folder, concurrency=concurrency, here=flags.said(), budget=budget, prices=known)
        drive_run(start, recording, known, as_json=json, otel=otel)


def _with_controls(arms: str, rounds: int) -> str:
    """The arms and the controls that they lack, which are named on stderr."""
    import sys

    from banchu.core.arm import parse_arms
    from banchu.core.controls import missing_controls

    added = [arm.name for arm in missing_controls(parse_arms(arms), rounds)]
    if added:
        print(f"controls added: {', '.join(added)} (--no-controls leaves them out)", file=sys.stderr)
    return ",".join([arms, *added])
