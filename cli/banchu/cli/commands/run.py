"""`banchu run` and `banchu resume`: start an experiment, or go on with one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from banchu.cli.commands.options import (
    BENCHMARK_HELP,
    BaseUrl,
    Confirm,
    Critic,
    Isolation,
    MaxConnections,
    MaxRpm,
    MaxTokens,
    MaxTpm,
    Omit,
    Patience,
    Reflector,
    Style,
    Workers,
)
from banchu.cli.recording import Cache, Record, Replay, opened

if TYPE_CHECKING:
    from banchu.cli.watch import Watch
    from banchu.experiments.launch import Launched
    from banchu.experiments.runner import Runner
    from banchu.models import PromptStyle
    from banchu.models.recorded import Recording

Concurrency = Annotated[int, typer.Option(help="Episodes in flight.")]
Arms = Annotated[
    str,
    typer.Option(
        help="Comma-separated: none, placebo, intrinsic, self_tests, visible_tests, execution, oracle_stop, "
        "oracle_verdict, oracle_trace, random, or a recipe (`banchu recipes`). Each with options, such as "
        "intrinsic+stop=done+window=3, none+gate=self_tests, self_tests+search=tree+rounds=8; see docs/arms.md."
    ),
]
Controls = Annotated[
    bool, typer.Option(help="Add the arms that these must beat: fresh samples, votes, gates, the placebo.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON; progress stays on stderr.")]

_Start = Callable[["Watch", Callable[["Runner", Path], None]], Coroutine[Any, Any, "Launched"]]


def run(
    benchmark: Annotated[str, typer.Argument(help=BENCHMARK_HELP)],
    model: Annotated[
        str, typer.Option("--model", "-m", help="`smollm2`, `hf:PATH_OR_ID`, `openai:NAME`; see `banchu models`.")
    ],
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
    base_url: BaseUrl = None,
    style: Style = None,
    max_rpm: MaxRpm = None,
    max_tpm: MaxTpm = None,
    max_connections: MaxConnections = 256,
    patience: Patience = 1800.0,
    omit: Omit = "",
    workers: Workers = None,
    concurrency: Concurrency = 32,
    isolation: Isolation = "namespaces",
    confirm: Confirm = 1,
    out: Annotated[Path, typer.Option(help="The folder that holds run folders.")] = Path("runs"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start a new run beside an equal one.")] = False,
    record: Record = None,
    replay: Replay = None,
    cache: Cache = False,
    json: Json = False,
) -> None:
    """Run feedback arms side by side on a benchmark, and compare them.

    The same command goes on where it stopped (Ctrl-C, a crash, a full disk): nothing is bought twice.

    Examples: `banchu run humaneval --model smollm2 --limit 12` ·
    `banchu run humaneval -m openai:gpt-4o-mini --arms none,intrinsic,oracle_stop --repeats 3`
    """
    from banchu.experiments.launch import Invocation, launch
    from banchu.models.registry import ModelOptions

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
        model_options=ModelOptions(
            base_url=base_url,
            style=_style(style),
            workers=workers,
            patience_s=patience,
            max_connections=max_connections,
            max_rpm=max_rpm,
            max_tpm=max_tpm,
            omit=omit,
        ),
        isolation=isolation,
        confirm=confirm,
        critic=critic,
        reflector=reflector,
    )
    with opened(record, replay, cache) as recording:
        start = partial(launch, invocation, out, fresh=fresh, concurrency=concurrency, recording=recording)
        _drive(lambda watch, on_start: start(progress=watch, on_start=on_start), recording, as_json=json)


def resume(
    run: Annotated[str, typer.Argument(help="A run's folder, its name under ./runs, or `last`.")],
    concurrency: Concurrency = 32,
    record: Record = None,
    replay: Replay = None,
    cache: Cache = False,
    json: Json = False,
) -> None:
    """Go on with a run from its folder alone, judged as it was begun: --isolation and --confirm are the run's own.

    Example: `banchu resume last`
    """
    from banchu.cli.runs import find_run
    from banchu.experiments.launch import resume as resume_run

    folder = find_run(run)
    with opened(record, replay, cache) as recording:
        start = partial(resume_run, folder, concurrency=concurrency, recording=recording)
        _drive(lambda watch, on_start: start(progress=watch, on_start=on_start), recording, as_json=json)


def _with_controls(arms: str, rounds: int) -> str:
    """The arms and the controls that they lack, which are named on stderr."""
    import sys

    from banchu.core.arm import parse_arms
    from banchu.core.controls import missing_controls

    added = [arm.name for arm in missing_controls(parse_arms(arms), rounds)]
    if added:
        print(f"controls added: {', '.join(added)} (--no-controls leaves them out)", file=sys.stderr)
    return ",".join([arms, *added])


def _drive(start: _Start, recording: Recording | None, *, as_json: bool) -> None:
    """Run to the end or to Ctrl-C, then print what there is. Exits 1 when incomplete, 130 when interrupted."""
    import asyncio
    import logging
    import signal
    import sys

    from banchu.cli.watch import Watch
    from banchu.core.errors import BanchuError

    # What our own modules have to say of slow steps; other packages' loggers stay as they are.
    logging.basicConfig(format="%(message)s")
    logging.getLogger("banchu").setLevel(logging.INFO)
    interrupted = False
    folder: Path | None = None

    async def drive(watch: Watch) -> Launched:
        current = asyncio.current_task()

        def on_start(runner: Runner, where: Path) -> None:
            nonlocal folder
            folder = where
            if not as_json:
                watch.notice(f"run folder: {where}")

            def on_interrupt() -> None:
                nonlocal interrupted
                if interrupted and current:
                    current.cancel()
                interrupted = True
                waiting = runner.drain()
                watch.notice(f"stopping: {waiting} calls in flight are finished and kept; Ctrl-C again stops at once")

            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, on_interrupt)

        return await start(watch, on_start)

    try:
        with Watch() as watch:
            launched = asyncio.run(drive(watch))
    except (asyncio.CancelledError, KeyboardInterrupt):
        _say_where(folder, "interrupted")
        raise typer.Exit(130) from None
    except BanchuError:
        _say_where(folder, "stopped by an error")
        raise
    _report(launched, recording, as_json=as_json)
    if interrupted:
        print(f"interrupted: {launched.outcome.open} episodes to go; the same command goes on", file=sys.stderr)
        raise typer.Exit(130)
    if not launched.outcome.complete:
        raise typer.Exit(1)


def _report(launched: Launched, recording: Recording | None, *, as_json: bool) -> None:
    from banchu.analysis.run import summarise_run
    from banchu.cli.output import console, print_json

    summary = summarise_run(launched.folder)
    if as_json:
        answers = {"recording": recording.to_json()} if recording else {}
        told = {"folder": str(launched.folder), "outcome": _plain(launched), **answers}
        print_json({**told, "summary": summary.to_json()})
        return
    from banchu.analysis.tables import print_summary

    print_summary(summary, console())
    for note in launched.notes:
        print(note)
    _print_incomplete(launched)
    if recording:
        print(recording.summary())
    folder = launched.folder
    print(f"run folder: {folder}")
    print(f"next: banchu show {folder}            attempts of each task, and one episode in full")
    print(f"      banchu compare {folder}         every pair of arms")


def _print_incomplete(launched: Launched) -> None:
    outcome = launched.outcome
    again = f"run the same command, or `banchu resume {launched.folder}`, to go on"
    if outcome.failed:
        print(f"{outcome.failed} episodes failed on a model error and count as not solved; {again}")
    if outcome.open:
        print(f"{outcome.open} of {outcome.total} episodes have not ended; {again}")
    if outcome.unjudged:
        print(f"{outcome.unjudged} attempts are unjudged because the judge failed; {again}")


def _plain(launched: Launched) -> dict[str, Any]:
    from dataclasses import asdict

    outcome = launched.outcome
    return {**asdict(outcome), "open": outcome.open, "complete": outcome.complete}


def _say_where(folder: Path | None, what: str) -> None:
    import sys

    if folder:
        print(f"{what}; what was done is in {folder}, and the same command goes on from there", file=sys.stderr)


def _style(style: str | None) -> PromptStyle | None:
    from banchu.core.errors import unknown

    match style:
        case None | "chat" | "completion":
            return style
        case _:
            raise unknown("--style", style, ("chat", "completion"))
