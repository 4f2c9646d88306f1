"""Whole episodes through the runner, against a server that does everything wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.models.storm import digest

from banchu.agents import prompts
from banchu.benchmarks import load_benchmark, select
from banchu.core.chat import Sampling
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import LEDGER_NAME, Ledger
from banchu.experiments.outcome import Outcome
from banchu.experiments.runner import Runner
from banchu.models.openai_api import OpenAIModel
from banchu.sandbox import Judge

from .storms import Weather

ARMS = ("none", "placebo", "intrinsic", "oracle_trace")


@dataclass(frozen=True)
class Ended:
    """One run."""

    outcome: Outcome
    tally: dict[str, int]
    calls: int
    """In the ledger."""
    misplaced: int
    """Calls whose answer is that of another request."""


async def run_episodes(folder: Path, weather: Weather, episodes: int, concurrency: int, **options: Any) -> Ended:
    """A run of so many episodes: four arms, two rounds after the first, real tasks and the real judge."""
    benchmark = select(load_benchmark("humaneval"), limit=-(-episodes // len(ARMS)))
    model = OpenAIModel("m", base_url=weather.url, **options)
    config = RunConfig(
        benchmark=benchmark.name,
        benchmark_digest=benchmark.digest,
        tasks=tuple(pair.task.id for pair in benchmark.tasks),
        model=model.id,
        style="chat",
        arms=ARMS,
        prompts=prompts.digest(),
        sampling=Sampling(temperature=0.5, max_tokens=256),
    )
    async with Judge() as judge:
        runner = Runner(folder, config, benchmark, model, judge, concurrency=concurrency)
        try:
            outcome = await runner.run()
        finally:
            await model.aclose()
    calls, misplaced = _check(folder / LEDGER_NAME, config)
    return Ended(outcome, model.tally.to_json(), calls, misplaced)


def _check(path: Path, config: RunConfig) -> tuple[int, int]:
    """Each answer names the request that it was given for."""
    found: dict[str, bool] = {}
    with Ledger(path) as ledger:
        for record in ledger.episodes():
            episode = ledger.episode(record.task_id, record.arm, record.repeat)
            for call in episode.calls if episode else ():
                messages = [{"role": message[0], "content": message[1]} for message in call.prompt]
                name = digest({"messages": messages, "seed": call.sampling["seed"]})
                found[name] = name in call.text
    return len(found), sum(not right for right in found.values())
