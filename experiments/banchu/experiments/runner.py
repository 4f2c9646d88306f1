"""Arms × tasks × repeats, with bounded concurrency, into the ledger.

Going on is replaying: an episode that did not end is walked again from its start with the same seeds, and every call
that the ledger holds is answered from it. Nothing is bought twice, and a resumed run takes the decisions it took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import cast

from banchu.agents import Actor, Critic, Reflector, TestWriter
from banchu.benchmarks import Benchmark, BenchmarkTask, SealedScan
from banchu.core.embedder import Embedder
from banchu.core.episode import OVERFLOW, StoppedBy
from banchu.core.errors import BanchuError, ContextOverflow, ModelError, SandboxError
from banchu.experiments.budget import Account, Budget, SpentBudget
from banchu.experiments.config import RunConfig
from banchu.experiments.embedding import bought_once
from banchu.experiments.episode_budget import Purse
from banchu.experiments.estimate import require_first_attempts
from banchu.experiments.jobs import Job, stages_of
from banchu.experiments.journal import Journal
from banchu.experiments.ledger import LEDGER_NAME, Ledger
from banchu.experiments.measure import EpisodeRecorder, Judges, Measurements, OracleHandle
from banchu.experiments.metering import Cost
from banchu.experiments.outcome import Outcome
from banchu.experiments.prices import Prices
from banchu.experiments.progress import Progress, Silent
from banchu.experiments.proving import Proofs
from banchu.experiments.purchases import Draining, EpisodeModel, Purchases
from banchu.experiments.remembering import RunMemory
from banchu.experiments.seeds import call_seed
from banchu.experiments.spending import paid, spent_in
from banchu.experiments.split import split_of
from banchu.experiments.tools.desk import NO_TOOLS, Workshop, critic_tokens, require_kit
from banchu.experiments.tools.kit import Kit
from banchu.experiments.tracing import EpisodeTrace, Tracing, Untraced
from banchu.experiments.versions import versions
from banchu.graphs import EpisodeContext
from banchu.graphs.episode import build_graph, run_episode
from banchu.memory import Entry, EpisodicMemory
from banchu.models import Around, Model


class Runner:
    """One run in one folder. The caller holds the folder's `RunLock`, and owns model and judge.

    Args:
        config: must be that of the folder's ledger where it has one.
        concurrency: episodes in flight.
        critic: reviews answers; None: `model` does.
        reflector: writes lessons; None: `model` does.
        budget: when it is spent, the run drains.
        tracing: who watches; None: nobody.
        kit: the tools of arms that use them; the caller closes its servers.
        embedder: finds lessons of earlier episodes besides their words; the caller closes it.
        lasting: lessons that arms with memory=file read.

    Raises:
        ConfigError: the budget is in USD and `prices` knows too little, an episode's own does not cover an attempt, or
            arms use tools and `kit` is not what the configuration says.
    """

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        benchmark: Benchmark,
        model: Model,
        judge: Judges,
        *,
        progress: Progress | None = None,
        concurrency: int = 128,
        invocation: dict[str, object] | None = None,
        critic: Model | None = None,
        reflector: Model | None = None,
        budget: Budget | None = None,
        prices: Prices | None = None,
        tracing: Tracing | None = None,
        kit: Kit | None = None,
        embedder: Embedder | None = None,
        lasting: Sequence[Entry] = (),
    ) -> None:
        self.config = config
        budget, prices = budget or Budget(), prices or Prices()
        rates = budget.rates(paid(config), prices)
        require_first_attempts(config, benchmark)
        require_kit(kit, config)
        self._pairs = {pair.task.id: pair for pair in benchmark.tasks}
        self._progress = progress or Silent()
        self._concurrency = concurrency
        self._tracing = tracing or Untraced()
        self._name = folder.name
        self._journal = Journal(folder / LEDGER_NAME)
        self._journal.header(config=config.to_json(), invocation=invocation or {}, benchmark_source=benchmark.source)
        self._journal.forget("spent")
        if kit:
            self._journal.header(tools=[asdict(offer) for offer in kit.sample.offers])
        self._journal.tasks([(self._pairs[id].task, self._pairs[id].sealed.digest) for id in config.tasks])
        if config.memory_train:
            self._journal.split(split_of(config))
        self._journal.flush()
        self._ledger = Ledger(folder / LEDGER_NAME)
        self._note_versions()
        sealed = {pair.task.id: pair.sealed for pair in benchmark.tasks}
        self._measurements = Measurements(judge, sealed, self._ledger, self._journal, self._progress)
        self._proofs = Proofs(judge, config.isolation, self._ledger, self._journal)
        self._workshop = Workshop(kit, config, self._ledger) if kit else None
        self._model, self._critic, self._reflector = model, critic or model, reflector or model
        spent = spent_in(self._ledger, config, rates.get).cost if budget.counts else Cost()
        self._account = Account(budget, rates, spent, self._on_spent)
        self._purchases = Purchases(self._ledger, self._journal, self._progress, self._account)
        self._graphs = {arm.name: build_graph(arm, arm.rounds_in(config.rounds)) for arm in config.parsed_arms}
        tasks = {id: pair.task for id, pair in self._pairs.items()}
        embedder = bought_once(embedder, self._ledger, self._journal, self._account, self._purchases)
        self._memory = RunMemory(config, tasks, self._ledger, self._journal, embedder, lasting)
        self._scans: dict[str, SealedScan] = {}
        self._error: BanchuError | None = None

    def _note_versions(self) -> None:
        """All that a run was made with, should it go on with others."""
        seen, now = self._ledger.meta("versions") or [], versions()
        if now not in seen:
            self._journal.header(versions=[*seen, now])

    def drain(self) -> int:
        """End early: buy no new call, keep those in flight. Returns how many those are."""
        self._purchases.drain()
        waiting = self._purchases.in_flight
        for model in (self._model, self._critic, self._reflector):
            Around(model).drain()  # calls that wait for a rate limit are not sent any more
        return waiting

    def _on_spent(self, budget: SpentBudget) -> None:
        self._progress.notice(f"{budget}; {self.drain()} calls in flight are finished and kept")

    async def run(self) -> Outcome:
        """Walk every episode that has not ended well.

        Raises:
            ModelError: one that every other call would meet too (wrong key, unreachable server).
            StorageError: the ledger cannot be written.
            What was done before either is kept, and the same run goes on from there.
        """
        with self._tracing.run(self._name, self.config) as trace:
            outcome = await self._run()
            trace.ended(outcome.done, outcome.failed, outcome.open)
            return outcome

    async def _run(self) -> Outcome:
        try:
            finished, stages = self._ledger.finished(), stages_of(self.config)
            total = sum(map(len, stages))
            ended = sum(finished.get(job.name) == "done" for stage in stages for job in stage)
            self._progress.started(total, ended, 1 + self._most_rounds)
            self._account.begin()
            for number, stage in enumerate(stages):
                await self._walk_all([job for job in stage if finished.get(job.name) != "done"], number)
            await self._purchases.settle()
            if self._error:
                raise self._error
            await self._judge_the_unjudged()
            return self._outcome(total)
        finally:
            self._account.close()
            await self._proofs.aclose()
            if self._workshop:
                await self._workshop.aclose()
            self._close()

    @property
    def _most_rounds(self) -> int:
        return max(arm.rounds_in(self.config.rounds) for arm in self.config.parsed_arms)

    async def _walk_all(self, jobs: Sequence[Job], stage: int) -> None:
        """The episodes of one stage; none where the run drains."""
        if self._purchases.draining:
            return
        self._journal.flush()
        try:
            waiting = await self._memory.enter(stage)
        except Draining:  # its embedder costs more than is left
            return
        if waiting:
            self._progress.notice(f"{', '.join(sorted(waiting))}: left open, since who writes its memory has not ended")
        queue = iter([job for job in jobs if job.arm.name not in waiting])
        workers = [asyncio.create_task(self._work(queue)) for _ in range(min(self._concurrency, len(jobs)))]
        try:
            await asyncio.gather(*workers)
        except BaseException:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            raise

    async def _work(self, jobs: Iterator[Job]) -> None:
        for job in jobs:
            if self._purchases.draining:
                return
            try:
                with self._tracing.episode(job.task_id, job.arm, job.repeat) as trace:
                    await self._walk(job, trace)
            except Draining:
                return
            except BanchuError as error:
                # Every other episode would meet it too: end the run, and keep what is in flight.
                self._error = self._error or error
                self.drain()
                return

    async def _walk(self, job: Job, trace: EpisodeTrace) -> None:
        pair, arm = self._pairs[job.task_id], job.arm
        task = pair.task
        journal = self._journal.episode(task.id, arm.name, job.repeat)
        recorder = EpisodeRecorder(task, journal, self._measurements, self._progress, trace)
        oracle = OracleHandle(self._measurements, task.id) if arm.holds_oracle else None
        sampling, scan, purse = self.config.sampling, self._scan(pair), Purse(self.config.episode_budget)
        model, critic, reflector = (
            trace.model(
                EpisodeModel(each, self._purchases, journal, scan, purse), partial(self._purchases.source, each)
            )
            for each in (self._model, self._critic, self._reflector)
        )
        desk = NO_TOOLS
        if self._workshop and arm.uses_tools:
            prover, search = self._proofs.of(task), self._memory.search(job, journal, trace)
            desk = self._workshop.desk(arm, task, job.repeat, journal, prover, critic, search, trace.calling)
        context = EpisodeContext(
            actor=Actor(desk.asking(model), sampling),
            critic=Critic(desk.asking(critic), sampling, critic_tokens(arm)),
            reflector=Reflector(reflector, sampling),
            memory=EpisodicMemory(arm.window),
            sink=trace.sink(recorder),
            seed=lambda role, round: call_seed(self.config.seed, task.id, job.repeat, role, round),
            oracle=trace.oracle(oracle) if oracle else None,
            tester=TestWriter(model, sampling) if arm.writes_tests else None,
            prover=trace.prover(self._proofs.of(task)) if arm.runs_code else None,
            tools=desk.tools,
            lessons=await self._memory.recall(job, journal, trace),
        )
        try:
            output = await run_episode(self._graphs[arm.name], task, context)
        except ModelError as error:
            if error.fatal:
                raise
            await recorder.settle()
            why = f"{OVERFLOW if isinstance(error, ContextOverflow) else ''}{error}"
            await asyncio.wrap_future(journal.failed(why, oracle.calls if oracle else 0))
            trace.ended("failed", why, oracle.calls if oracle else 0)
            self._progress.episode(arm.name, "failed")
            return
        except SandboxError as error:
            # The oracle or the prover could not be asked. The episode stays open: what it would have done is not known.
            self._progress.notice(f"{task.id} [{arm.name}] is left open: {error}")
            return
        finally:
            await desk.aclose()
            await recorder.settle()
        await asyncio.wrap_future(journal.done(cast(StoppedBy, output["stopped_by"]), oracle.calls if oracle else 0))
        trace.ended("done", output["stopped_by"], oracle.calls if oracle else 0)
        self._progress.episode(arm.name, "done")

    def _scan(self, pair: BenchmarkTask) -> SealedScan:
        if pair.task.id not in self._scans:
            self._scans[pair.task.id] = SealedScan(pair.sealed, pair.task)
        return self._scans[pair.task.id]

    async def _judge_the_unjudged(self) -> None:
        self._journal.flush()
        verdicts = (self._measurements.verdict(task_id, code) for task_id, code in self._ledger.unjudged())
        for outcome in await asyncio.gather(*verdicts, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, SandboxError):
                raise outcome
        for task_id, arm, repeat, number, test in self._ledger.unmeasured_self_tests():
            try:
                holds = await self._measurements.holds(self._pairs[task_id].task, test)
            except SandboxError:
                continue
            self._journal.measured_later(task_id, arm, repeat).self_test_holds(number, holds)

    def _outcome(self, total: int) -> Outcome:
        self._journal.flush()
        statuses = list(self._ledger.finished().values())
        done, failed = statuses.count("done"), statuses.count("failed")
        spent = self._account.end if done + failed < total else None
        if spent:
            self._journal.header(spent=asdict(spent))
            self._journal.flush()
        return Outcome(total, done, failed, len(self._ledger.unjudged()), spent)

    def _close(self) -> None:
        self._ledger.close()
        self._journal.close()
