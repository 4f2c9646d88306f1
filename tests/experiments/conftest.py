"""Real tasks, the real judge, a real ledger; only the model is scripted (a fake, and called so)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from banchu.agents import prompts
from banchu.agents.tools import BoxLimits
from banchu.benchmarks import Benchmark, BenchmarkTask, load_benchmark
from banchu.core.arm import Arm
from banchu.core.chat import Request, Sampling
from banchu.core.embedder import Embedder
from banchu.core.sealed import unseal
from banchu.experiments.budget import Budget
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import Ledger
from banchu.experiments.outcome import Outcome
from banchu.experiments.prices import Prices
from banchu.experiments.runner import Runner
from banchu.experiments.tools.builtin import BUILT_IN
from banchu.experiments.tools.kit import Kit
from banchu.experiments.tracing import Tracing
from banchu.memory import Entry
from banchu.memory.files import digest_of
from banchu.models.scripted import ScriptedModel
from banchu.sandbox import Judge


class Lab:
    """Runs small experiments in a temporary folder."""

    def __init__(self, folder: Path, benchmark: Benchmark, judge: Judge) -> None:
        self.folder = folder
        self.benchmark = benchmark
        self.judge = judge

    def tasks(self, n: int) -> Benchmark:
        return replace(self.benchmark, tasks=self.benchmark.tasks[:n])

    def fickle(self, benchmark: Benchmark | None = None) -> ScriptedModel:
        """A fake whose answers follow from prompt and seed alone: right, wrong, broken or talkative."""
        known = {pair.task.prompt.strip(): pair for pair in (benchmark or self.benchmark).tasks}

        def reply(request: Request) -> str:
            text = request.prompt_text
            digest = hashlib.sha256(f"{text}{request.sampling.seed}".encode()).digest()[0]
            if request.role == "critic":
                return f"Case {digest} may be missed.\nVERDICT: {'correct' if digest % 3 == 0 else 'incorrect'}"
            if request.role == "reflector":
                return f"I overlooked case {digest}."
            pair = next(pair for prompt, pair in known.items() if prompt in text)
            if request.role == "tester":
                return written_tests(pair, digest)
            code = unseal(pair.sealed).reference
            wrong = f"def {pair.task.entry_point}(*args):\n    return {digest}\n"
            broken = f"def {pair.task.entry_point}(*args):\n    return oops_{digest}\n"
            return [f"```python\n{code}\n```", f"```python\n{wrong}```", f"Try:\n```\n{broken}```", "I do not know."][
                digest % 4
            ]

        return ScriptedModel(reply, id="scripted:fickle")

    def config(self, benchmark: Benchmark, arms: str, max_tokens: int = 512, **values: Any) -> RunConfig:
        return RunConfig(
            benchmark=benchmark.name,
            benchmark_digest=benchmark.digest,
            tasks=tuple(pair.task.id for pair in benchmark.tasks),
            model="scripted:fickle",
            style="chat",
            arms=tuple(arms.split(",")),
            prompts=prompts.digest(),
            sampling=Sampling(temperature=0.5, max_tokens=max_tokens),
            **values,
        )

    async def run(
        self,
        name: str,
        benchmark: Benchmark,
        arms: str = "none,intrinsic,oracle_trace",
        model: Any = None,
        judge: Any = None,
        on_start: Callable[[Runner], None] = lambda runner: None,
        **values: Any,
    ) -> Outcome:
        runner = self.runner(name, benchmark, arms, model, judge, **values)
        on_start(runner)
        return await runner.run()

    def runner(
        self,
        name: str,
        benchmark: Benchmark,
        arms: str,
        model: Any = None,
        judge: Any = None,
        critic: Any = None,
        reflector: Any = None,
        budget: Budget | None = None,
        prices: Prices | None = None,
        tracing: Tracing | None = None,
        kit: Kit | None = None,
        embedder: Embedder | None = None,
        lasting: Sequence[Entry] = (),
        **values: Any,
    ) -> Runner:
        if kit is None and any(arm.uses_tools for arm in map(Arm.parse, arms.split(","))):
            kit = Kit((BUILT_IN["python"],), BoxLimits(), {"actor": "text", "critic": "text"})
        if kit:
            values["tools"] = kit.to_json()
        if lasting:
            values["memory_file"] = digest_of(lasting)
        if embedder:
            values["embedder"] = embedder.id
        others: dict[str, Any] = {"critic": critic.id if critic else "", "reflector": reflector.id if reflector else ""}
        return Runner(
            self.folder / name,
            self.config(benchmark, arms, **others, **values),
            benchmark,
            model or self.fickle(),
            judge or self.judge,
            concurrency=8,
            critic=critic,
            reflector=reflector,
            budget=budget,
            prices=prices,
            tracing=tracing,
            kit=kit,
            embedder=embedder,
            lasting=lasting,
        )

    def ledger(self, name: str) -> Ledger:
        return Ledger(self.folder / name / "ledger.sqlite")

    def trajectories(self, name: str) -> dict[tuple[str, str, int], Any]:
        """Everything an agent said, saw and decided; nothing that was measured."""
        with self.ledger(name) as ledger:
            found = {}
            for record in ledger.episodes():
                episode = ledger.episode(record.task_id, record.arm, record.repeat)
                assert episode
                found[record.task_id, record.arm, record.repeat] = {
                    "calls": [(c.record.role, c.record.round, c.prompt, c.sampling, c.text) for c in episode.calls],
                    "attempts": [judged.attempt for judged in episode.record.attempts],
                    "feedback": episode.feedback,
                    "tests": [test.source for test in episode.record.self_tests],
                    "reflections": episode.reflections,
                    "recalls": episode.recalls,
                    "choices": episode.record.choices,
                    "tools": [replace(call, wall_s=0) for call in episode.record.tool_calls],
                    "stopped_by": episode.record.stopped_by,
                    "status": episode.record.status,
                }
            return found


def written_tests(pair: BenchmarkTask, digest: int) -> str:
    """A fake test writer's reply: what the prompt shows, something wrong, something that does not parse; or nothing."""
    if digest % 4 == 3:
        return "It needs no tests."
    shown = pair.task.examples[: digest % 4]
    name = pair.task.entry_point
    return "\n".join(["```python", *shown, f"assert {name}({digest % 2}) == {digest}", f"assert {name}(", "```"])


@pytest.fixture(scope="session")
def humaneval() -> Benchmark:
    return load_benchmark("humaneval")


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """One for all labs: its slots start once, and what was judged for one test need not be judged for another."""
    with Judge() as judge:
        yield judge


@pytest.fixture
def lab(tmp_path: Path, humaneval: Benchmark, judge: Judge) -> Lab:
    return Lab(tmp_path, humaneval, judge)
