"""From what a user asks to a finished run: opens benchmark, model and judge, finds the folder, runs, closes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from banchu.benchmarks import Benchmark, load_benchmark, select
from banchu.core.arm import parse_arms
from banchu.core.errors import ConfigError
from banchu.experiments.budget import Budget
from banchu.experiments.config import RunConfig, differences
from banchu.experiments.estimate import Estimate, estimate, require_first_attempts
from banchu.experiments.invocation import Invocation, config_of_run, stored_invocation
from banchu.experiments.outcome import Outcome
from banchu.experiments.prices import Prices
from banchu.experiments.progress import Progress, Silent
from banchu.experiments.rundir import RunLock, open_run, run_folder, stored_config
from banchu.experiments.runner import Runner
from banchu.experiments.spending import paid
from banchu.experiments.team import Team
from banchu.experiments.tools.kit import Kit, open_kit
from banchu.experiments.tracing import Tracing
from banchu.experiments.ways_around import ways_around
from banchu.models.recorded import Recording
from banchu.models.registry import is_api, open_model
from banchu.sandbox import Judge, Limits

__all__ = ["Invocation", "Launched", "launch", "plan", "resume"]


@dataclass(frozen=True, slots=True)
class Launched:
    """A run that has ended, or was ended."""

    folder: Path
    outcome: Outcome
    notes: tuple[str, ...] = ()
    """What the models have to say of the calls: fields that were not sent, requests that went out again."""


class Conduct(TypedDict, total=False):
    """How a run is run: nothing of it is part of the run, and each command may say otherwise."""

    concurrency: int
    """Episodes in flight; 128."""
    progress: Progress | None
    """Who is shown how far it is."""
    on_start: Callable[[Runner, Path], None]
    """Called with the runner (for `drain`) and the run's folder before the first episode."""
    budget: Budget | None
    """The most that the run may cost. (What an episode may cost is part of the run: see `Invocation`.)"""
    prices: Prices | None
    """What models cost, for budgets in USD; None: the lists alone."""
    tracing: Tracing | None
    """Who watches, such as `banchu.experiments.otel.traced`; None: nobody."""


async def launch(
    invocation: Invocation,
    out: Path = Path("runs"),
    *,
    fresh: bool = False,
    recording: Recording | None = None,
    **conduct: Unpack[Conduct],
) -> Launched:
    """Run an experiment; a run of the same configuration under `out` goes on where it stopped.

    Args:
        out: the folder that holds run folders.
        fresh: start a new run beside an equal one.
        recording: keeps the models' answers, or stands in for the models; the caller closes it. Not part of the run: a
            replay is the run that was recorded.
        conduct: how it is run; see `Conduct`.

    Raises:
        ConfigError, DataError, ModelError, SandboxError, StorageError: each one line, with the remedy.
    """
    benchmark = _benchmark(invocation)
    async with _team(invocation, recording, conduct.get("progress")) as team, _tools(invocation, team) as kit:
        config = config_of_run(invocation, benchmark, team, conduct.get("prices"), kit=kit)
        folder = run_folder(out, config, fresh=fresh)
        return await _run(folder, invocation, config, benchmark, team, kit, **conduct)


async def plan(
    invocation: Invocation,
    out: Path = Path("runs"),
    *,
    fresh: bool = False,
    recording: Recording | None = None,
    prices: Prices | None = None,
) -> Estimate:
    """The most that `launch` with the same arguments would buy. Opens no weights, buys nothing, makes no folder; MCP
    servers are started, since what they offer is part of the run.

    Raises:
        ConfigError, DataError, ModelError: as `launch` before its first call.
    """
    benchmark = _benchmark(invocation)
    async with _team(invocation, recording, None) as team, _tools(invocation, team) as kit:
        config = config_of_run(invocation, benchmark, team, prices, kit=kit)
        require_first_attempts(config, benchmark)
        return estimate(config, benchmark, run_folder(out, config, fresh=fresh), (prices or Prices()).rate)


async def resume(
    folder: Path,
    *,
    here: Mapping[str, Any] | None = None,
    recording: Recording | None = None,
    **conduct: Unpack[Conduct],
) -> Launched:
    """Go on with the run in `folder`.

    Args:
        here: fields of `ModelOptions` that replace the run's own, such as a device of this machine; what changes the
            model's id is refused.

    Raises:
        ConfigError: benchmark, model or prompts have changed since; names each key with both values.
        Otherwise as `launch`.
    """
    with open_run(folder) as ledger:
        then = stored_config(ledger)
        stored = stored_invocation(ledger)
    invocation = replace(stored, model_options=replace(stored.model_options, **(here or {})))
    benchmark = _benchmark(invocation)
    async with _team(invocation, recording, conduct.get("progress")) as team, _tools(invocation, team) as kit:
        now = config_of_run(invocation, benchmark, team, then=then, kit=kit)
        if changed := differences(then, now):
            raise ConfigError(
                f"{str(folder)!r} cannot go on, it would mix two experiments: {'; '.join(changed)}. "
                f"Restore what changed, or start a new run with `banchu run`"
            )
        return await _run(folder, invocation, now, benchmark, team, kit, **conduct)


def _tools(invocation: Invocation, team: Team) -> AbstractAsyncContextManager[Kit | None]:
    """The tools that the arms use, open until the end."""
    return open_kit(invocation.tools, parse_arms(invocation.arms), team.actor, team.critic)


def _team(invocation: Invocation, recording: Recording | None, progress: Progress | None) -> Team:
    if recording and is_api(invocation.embedder):
        raise ConfigError(
            f"--embedder {invocation.embedder}: a recording holds no vectors, so a replay would ask again; leave "
            f"out --record, --replay and --cache, or choose an embedder of this machine, such as minilm"
        )
    for notice in recording.notices if recording else ():
        (progress or Silent()).notice(notice)
    return Team(invocation, recording.open if recording else open_model)


async def _run(
    folder: Path,
    invocation: Invocation,
    config: RunConfig,
    benchmark: Benchmark,
    team: Team,
    kit: Kit | None,
    *,
    concurrency: int = 128,
    progress: Progress | None = None,
    on_start: Callable[[Runner, Path], None] = lambda runner, folder: None,
    budget: Budget | None = None,
    prices: Prices | None = None,
    tracing: Tracing | None = None,
) -> Launched:
    progress = progress or Silent()
    if concurrency < 1:
        raise ConfigError(f"--concurrency {concurrency} is too small; the least is 1")
    if budget:  # before there is a folder
        budget.rates(paid(config), prices or Prices())
    require_first_attempts(config, benchmark)
    for warning in (*_warnings(config), *await team.prepare()):
        progress.notice(warning)
    if kit:
        progress.notice(f"tools: {kit}")
    async with Judge(limits=Limits(), isolation=config.isolation, confirm=config.confirm) as judge:
        with RunLock(folder):
            runner = Runner(
                folder,
                config,
                benchmark,
                team.actor,
                judge,
                critic=team.critic,
                reflector=team.reflector,
                progress=progress,
                concurrency=concurrency,
                invocation=invocation.to_json(),
                budget=budget,
                prices=prices,
                tracing=tracing,
                kit=kit,
                embedder=team.embedder,
                lasting=team.lasting,
            )
            on_start(runner, folder)
            return Launched(folder, await runner.run(), team.notes)


def _warnings(config: RunConfig) -> list[str]:
    """What the user may not have meant, though it can be run."""
    found = []
    silent = [
        arm.name
        for arm in config.parsed_arms
        if not arm.shows_feedback and not arm.guesses and arm.rounds_in(config.rounds)
    ]
    if silent and config.sampling.temperature == 0:
        found.append(
            f"at temperature 0 each round of {', '.join(silent)} repeats the first answer; raise --temperature"
        )
    if config.style == "completion" and (done := [arm.name for arm in config.parsed_arms if arm.stop == "done"]):
        found.append(f"a model that continues raw text cannot say it is done: {', '.join(done)} will use all rounds")
    found += ways_around(config)
    if config.critic and not any(arm.asks_the_critic for arm in config.parsed_arms):
        found.append("--critic reviews in arms with intrinsic or explain=... only, and there is none")
    if config.reflector and not any(arm.window for arm in config.parsed_arms):
        found.append("--reflector writes lessons in arms with window=1 or more only, and there is none")
    return found


def _benchmark(invocation: Invocation) -> Benchmark:
    """The tasks of a run, before a model is loaded. Raises ConfigError where an arm cannot be run on them."""
    benchmark = select(load_benchmark(invocation.benchmark), invocation.tasks or None, invocation.limit)
    endless = next((pair.task.id for pair in benchmark.tasks if not pair.task.answers), None)
    guessing = next((arm.name for arm in parse_arms(invocation.arms) if arm.guesses), None)
    if endless is not None and guessing is not None:
        raise ConfigError(
            f"arm {guessing!r} guesses among a task's answers, and {endless!r} of {benchmark.name} lists none; leave "
            f"the arm out, or write 'answers' and 'answer' into the rows of a file of your own (benchmarks/README.md)"
        )
    return benchmark
