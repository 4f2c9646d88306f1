"""The memories of a run's arms: filled between stages from the ledger, and asked before each episode.

Nothing is remembered while a stage runs, so what an episode is told depends neither on which other one was faster nor
on how many run at once. What a memory gained is written before anybody reads it, and what an episode was told before it
is used: a run that goes on tells it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from banchu.core.arm import Arm
from banchu.core.embedder import Embedder
from banchu.core.task import Task
from banchu.experiments.config import RunConfig
from banchu.experiments.jobs import Job, stage_of, stages_of
from banchu.experiments.journal import EpisodeJournal, Journal
from banchu.experiments.ledger import Ledger
from banchu.experiments.recalls import SEARCHED, Recalled, Stage, lessons, recalled_of, records, stage_from
from banchu.experiments.split import FROM_FILE, TEST, TRAIN, split_of
from banchu.experiments.tracing import UNTRACED, EpisodeTrace, RecallSource
from banchu.experiments.written import reflections
from banchu.memory import Entry, Pool, Query, Recall, Scope, Selection
from banchu.memory.controls import shuffled
from banchu.memory.entry import fingerprint
from banchu.memory.inprocess import InProcessMemory
from banchu.memory.policies import decayed, window
from banchu.memory.writing import write

_TOLD: Final = (
    "SELECT r.* FROM recalls r JOIN episodes e ON e.id = r.episode "
    "WHERE e.task_id = ? AND e.arm = ? AND e.repeat = ? ORDER BY r.round, r.place"
)
_DEPTH: Final = 100
"""Lessons among which age may choose; as deep as a memory ranks."""


class RunMemory:
    """What the episodes of one run may know of each other, and of a file.

    An arm reads what it wrote itself. Across tasks each repeat is by itself: what repeat 1 reads, repeat 1 wrote.

    Args:
        tasks: of the run, by id.
        lasting: the lessons of `--memory-file`.
    """

    def __init__(
        self,
        config: RunConfig,
        tasks: Mapping[str, Task],
        ledger: Ledger,
        journal: Journal,
        embedder: Embedder | None = None,
        lasting: Sequence[Entry] = (),
    ) -> None:
        self._config, self._tasks, self._ledger, self._journal = config, tasks, ledger, journal
        self._split = split_of(config)
        self._embedder = embedder
        # Nothing about a task of this run, under whatever name.
        mine = {fingerprint(task.prompt) for task in tasks.values()}
        self._lasting = [entry for entry in lasting if entry.task not in tasks and entry.fingerprint not in mine]
        self._memories: dict[tuple[str, str], InProcessMemory] = {}

    async def enter(self, stage: int) -> frozenset[str]:
        """Fill the memories for a stage; the names of arms whose writers have not all ended, which cannot go on.

        Raises ModelError where the embedder fails.
        """
        waiting = set()
        for arm in self._config.parsed_arms:
            if stage == 0 and arm.memory in FROM_FILE:
                await self._remember(arm, _imported(self._lasting, arm))
            if stage == 0 or not arm.writes_memory:
                continue
            if (gained := self._stored(arm, stage)) is None:
                before = [job for job in stages_of(self._config)[stage - 1] if job.arm == arm]
                ended = self._ledger.finished()
                if any(job.name not in ended for job in before):
                    waiting.add(arm.name)
                    continue
                gained = Stage(arm.name, stage, tuple(self._written(arm, before)))
                await asyncio.wrap_future(self._journal.stage(gained))
            await self._remember(arm, gained.entries)
        return frozenset(waiting)

    async def recall(self, job: Job, journal: EpisodeJournal, trace: EpisodeTrace = UNTRACED) -> tuple[str, ...]:
        """The lessons for an episode's prompts, which are in the ledger then. Raises ModelError."""
        if not self.reads(job):
            return ()
        with trace.recalling(job.arm.memory, self.scope(job), job.arm.k) as found:
            rows = [row for row in self.told(job) if row.place < SEARCHED]
            source: RecallSource = "ledger" if rows else "memory"
            if not rows:
                rows = records(await self.find(job), job.arm)
                await asyncio.wrap_future(journal.recalled(rows))
            found([row.score for row in rows if row.place], source)
        return lessons(rows)

    def search(self, job: Job, journal: EpisodeJournal, trace: EpisodeTrace = UNTRACED) -> EpisodeSearch:
        """What `search_memory` searches in an episode."""
        return EpisodeSearch(self, job, journal, trace)

    def scope(self, job: Job) -> Scope:
        """Of the pool that an episode reads."""
        return _place(job.arm, job.task_id, job.repeat)[0]

    def reads(self, job: Job) -> bool:
        """Whether an episode is told anything of earlier ones. Those that write across tasks are not."""
        return job.arm.recalls and not (job.arm.writes_memory and stage_of(self._config, job) == 0)

    def told(self, job: Job) -> list[Recalled]:
        """What the ledger says that it was told."""
        return [recalled_of(row) for row in self._ledger.rows(_TOLD, job.name, of="recalls")]

    async def find(self, job: Job, question: str = "", k: int | None = None) -> Recall:
        """What an episode may read, nearest first.

        Args:
            question: what it asks for; empty: its task.
            k: lessons at most; None: what its arm says.
        """
        arm, query = job.arm, self._query(job)
        if question:
            mine = query.fingerprint
            query = replace(query, text=question, k=k or arm.k)
            deep = await self._nearest(arm, replace(query, k=query.k + _DEPTH))
            # A question has not its task's words, by which the same task is known under another id.
            far = [hit for hit in deep.hits if query.same_task or hit.entry.fingerprint != mine]
            return replace(deep, hits=tuple(far[: query.k]))
        return await self._nearest(arm, query)

    async def _nearest(self, arm: Arm, query: Query) -> Recall:
        memory = self._memory(arm, query.pool)
        if arm.memory == "task":
            return window(await memory.entries(_all_of(query.pool)), query)
        if arm.halflife is None:
            found = await memory.recall(query)
        else:
            deep = await memory.recall(replace(query, k=max(query.k, _DEPTH)))
            found = decayed(deep, now=len(self._split.train), half_life=arm.halflife, k=query.k)
        if arm.control == "shuffled":
            others = await memory.entries(_all_of(query.pool))
            return shuffled(others, query, seed=self._config.seed, instead_of=found)
        return found

    def _query(self, job: Job) -> Query:
        arm, task = job.arm, self._tasks[job.task_id]
        scope, key = _place(arm, job.task_id, job.repeat)
        return Query(
            task.prompt,
            arm.name,
            task.id,
            TEST,
            scope,
            key,
            k=arm.k,
            threshold=arm.threshold,
            only_successes=arm.successes == "only",
            oracle=arm.uses_oracle,
        )

    def _stored(self, arm: Arm, stage: int) -> Stage | None:
        """What was gained when the stage first began; None: it has not."""
        sql = "SELECT 1 FROM memory_stages WHERE arm = ? AND stage = ?"
        if not self._ledger.rows(sql, (arm.name, stage), of="memory_stages"):
            return None
        sql = "SELECT line FROM lessons WHERE arm = ? AND stage = ? ORDER BY number"
        lines = [str(row["line"]) for row in self._ledger.rows(sql, (arm.name, stage), of="lessons")]
        return stage_from(arm.name, stage, lines)

    def _written(self, arm: Arm, jobs: Sequence[Job]) -> list[Entry]:
        """The reflections of these episodes, in the run's order and not in that of the clock."""
        across, found = arm.memory == "across", []
        for job in jobs:
            scope, key = _place(arm, job.task_id, job.repeat)
            for each in reflections(self._ledger, arm, job):
                entry = write(
                    each.text,
                    arm=arm,
                    task=self._tasks[job.task_id],
                    split=TRAIN if across else TEST,
                    scope=scope,
                    key=key,
                    episode=f"{job.task_id}#{job.repeat}",
                    round=each.round,
                    order=self._split.train.index(job.task_id) if across else job.repeat,
                    outcome=each.outcome,
                    tainted=each.tainted,
                )
                found.append(entry)
        return found

    async def _remember(self, arm: Arm, entries: Sequence[Entry]) -> None:
        pools: dict[Pool, list[Entry]] = {}
        for entry in entries:
            pools.setdefault(entry.pool, []).append(entry)
        for pool, gained in pools.items():
            await self._memory(arm, pool).remember(*gained)

    def _memory(self, arm: Arm, pool: Pool) -> InProcessMemory:
        """One for each pool: the words of others have no say in how its own are ranked."""
        key = (arm.name, pool.key)
        if key not in self._memories:
            self._memories[key] = InProcessMemory(None if arm.memory == "task" else self._embedder)
        return self._memories[key]


class EpisodeSearch:
    """The memory of one episode for the tool `search_memory`, behind the same wall. What was found is in the ledger,
    with scores, after the lessons of the prompt; an episode that goes on is told it again by the tool's own record."""

    def __init__(self, memory: RunMemory, job: Job, journal: EpisodeJournal, trace: EpisodeTrace) -> None:
        self._memory, self._job, self._journal, self._trace = memory, job, journal, trace

    async def search(self, question: str, k: int) -> Sequence[str]:
        if not self._memory.reads(self._job):
            return ()
        last = max((row.place for row in self._memory.told(self._job)), default=0)
        with self._trace.recalling(self._job.arm.memory, self._memory.scope(self._job), k) as told:
            found = records(await self._memory.find(self._job, question, k), self._job.arm)
            rows = [replace(row, place=max(last, SEARCHED - 1) + row.place) for row in found if row.place]
            if rows:
                await asyncio.wrap_future(self._journal.recalled(rows))
            told([row.score for row in rows], "memory")
        return lessons(rows)


def _place(arm: Arm, task_id: str, repeat: int) -> tuple[Scope, str]:
    if arm.memory == "task":
        return "task", task_id
    return ("run", f"repeat {repeat}") if arm.memory == "across" else ("lasting", "file")


def _imported(entries: Iterable[Entry], arm: Arm) -> list[Entry]:
    """Lessons of a file as this arm's. Whoever reads oracle memory knows all of it to be so."""
    pool, found = Pool("lasting", "file", arm.name), dict[str, Entry]()
    for entry in entries:
        mine = replace(entry, pool=pool, split="file", oracle=entry.oracle or arm.uses_oracle)
        if mine.id in found:  # two arms, or two runs, wrote of one task in the same repeat and round: both are kept
            mine = replace(mine, episode=f"{entry.episode} of {entry.id}")
        found[mine.id] = mine
    return list(found.values())


def _all_of(pool: Pool) -> Selection:
    return Selection(scope=pool.scope, key=pool.key, arm=pool.arm)
