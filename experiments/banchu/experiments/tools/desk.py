"""`Desk`: the tools of one episode at work, between its models and its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from banchu.agents.critic import CHECKED_REVIEW_TOKENS, REVIEW_TOKENS
from banchu.agents.quoting import bounded
from banchu.agents.tools import Tool, Toolset
from banchu.agents.tools.builtin.search_memory import Searchable
from banchu.agents.tools.builtin.visible_tests import VisibleResult
from banchu.core.arm import Arm
from banchu.core.chat import CallRole, Completion, Request, Usage
from banchu.core.errors import ConfigError
from banchu.core.task import Task
from banchu.core.tool_record import ToolCallRecord
from banchu.experiments.config import RunConfig
from banchu.experiments.journal import EpisodeJournal
from banchu.experiments.ledger import Ledger
from banchu.experiments.purchases import Draining
from banchu.experiments.seeds import call_seed
from banchu.experiments.tools.builtin import Handles
from banchu.experiments.tools.cells import Folder, Interpreter, Pool
from banchu.experiments.tools.kit import Kit
from banchu.experiments.tools.lasting import Lasting
from banchu.graphs import NotCovered
from banchu.graphs.context import Prover
from banchu.models import Around, Model

Calling: TypeAlias = Callable[[str, CallRole], AbstractContextManager[None]]


class NoTools:
    """Of an episode whose arm uses none: models are what they are."""

    tools: Toolset | None = None
    """What actor or critic may call."""

    def asking(self, model: Model) -> Model:
        """The model of whoever may call tools, for the episode to ask."""
        return model

    async def aclose(self) -> None:
        """End what the episode's tools have open."""


NO_TOOLS: Final = NoTools()


class Workshop:
    """The tools of a run, and what its episodes share of them. Close it when done."""

    def __init__(self, kit: Kit, config: RunConfig, ledger: Ledger) -> None:
        self.kit, self.config = kit, config
        self._ledger = ledger
        self.pool = Pool(config.isolation)

    def desk(
        self,
        arm: Arm,
        task: Task,
        repeat: int,
        journal: EpisodeJournal,
        prover: Prover,
        helper: Model,
        memory: Searchable,
        calling: Calling,
    ) -> NoTools:
        """The tools of one episode, which is told again what its ledger holds.

        Args:
            prover: runs the examples of the task's own prompt, and knows nothing else of the task.
            helper: who is asked by `ask_model`.
            memory: what `search_memory` searches.
            calling: is put around each call that is run, for whoever watches.
        """
        earlier = self._ledger.tool_calls(task.id, arm.name, repeat)
        seed = call_seed(self.config.seed, task.id, repeat, "critic", 0)
        return Desk(self, journal, earlier, Examples(task, prover), helper, memory, calling, seed)

    async def aclose(self) -> None:
        await self.pool.aclose()


class Desk(NoTools):
    """The box of one episode's tools, told again what the ledger holds, and the models that are asked between calls."""

    def __init__(
        self,
        workshop: Workshop,
        journal: EpisodeJournal,
        earlier: Sequence[ToolCallRecord],
        examples: Examples,
        helper: Model,
        memory: Searchable,
        calling: Calling,
        seed: int,
    ) -> None:
        self._journal = journal
        self._told: list[ToolCallRecord] = []
        self._pending: list[asyncio.Future[None]] = []
        self._place, self._calling = Place(), calling
        self._folder, self._session = Folder(workshop.config.isolation), Interpreter(workshop.config.isolation)
        self._lasting = Lasting(self._folder, self._session)
        sampling = replace(workshop.config.sampling, seed=seed)
        handles = Handles(
            workshop.pool, self._session, self._folder, examples, AtPlace(helper, self._place), sampling, memory
        )
        box = workshop.kit.box(
            handles,
            self._watched,
            sink=self._keep,
            earlier=earlier,
            passing=(NotCovered, Draining),
            before=self._bring_back,
        )
        self.tools = Toolset(box, workshop.kit.ways)

    def asking(self, model: Model) -> Model:
        return AfterCommit(model, self._pending, self._place)

    def _watched(self, tool: Tool) -> Tool:
        return replace(tool, run=partial(self._run, tool))

    async def _run(self, tool: Tool, arguments: dict[str, Any]) -> str:
        with self._calling(tool.name, self._place.role):
            return await tool.call(arguments)

    def _keep(self, record: ToolCallRecord) -> None:
        if spent := self._place.spent:  # a call that is told again holds what it spent, and spends nothing
            prompts, answers = (
                sum(each.prompt_tokens for each in spent),
                sum(each.completion_tokens for each in spent),
            )
            record = replace(record, prompt_tokens=prompts, completion_tokens=answers)
            spent.clear()
        self._told.append(record)
        self._pending.append(asyncio.wrap_future(self._journal.tool_call(record)))

    async def _bring_back(self, tool: Tool) -> None:
        await self._lasting.bring_back(tool.name, self._told)

    async def aclose(self) -> None:
        await asyncio.gather(self._folder.aclose(), self._session.aclose())
        await asyncio.gather(*self._pending, return_exceptions=True)


def require_kit(kit: Kit | None, config: RunConfig) -> None:
    """Refuse a kit that is not the configuration's. Raises ConfigError."""
    if any(arm.uses_tools for arm in config.parsed_arms) and (kit is None or kit.to_json() != config.tools):
        raise ConfigError("arms of this run use tools; hand the runner a Kit, and its to_json() to the configuration")


def critic_tokens(arm: Arm) -> int:
    """The longest answer of the arm's critic."""
    return CHECKED_REVIEW_TOKENS if arm.source == "tools" else REVIEW_TOKENS


class Place:
    """Where an episode is: for calls that tools make."""

    def __init__(self) -> None:
        self.round = 0
        self.role: CallRole = "actor"
        self.spent: list[Usage] = []
        """By models that the tool under way asked."""


class AfterCommit(Around):
    """A model that is asked after all records of tools are safe in the ledger, since its prompt holds their results."""

    def __init__(self, model: Model, pending: list[asyncio.Future[None]], place: Place) -> None:
        super().__init__(model)
        self._pending, self._place = pending, place

    async def complete(self, request: Request) -> Completion:
        self._place.round, self._place.role = request.round, request.role
        while self._pending:
            await self._pending.pop(0)
        return await super().complete(request)


class AtPlace(Around):
    """A model whose calls are written down under the round in which a tool makes them, and counted."""

    def __init__(self, model: Model, place: Place) -> None:
        super().__init__(model)
        self._place = place

    async def complete(self, request: Request) -> Completion:
        done = await super().complete(replace(request, round=self._place.round))
        self._place.spent.append(done.usage)
        return done


class Examples:
    """The examples in a task's own prompt."""

    def __init__(self, task: Task, prover: Prover) -> None:
        self._task, self._prover = task, prover

    async def run(self, code: str) -> list[VisibleResult]:
        """As `banchu.agents.tools.builtin.visible_tests.VisibleTests`."""
        found = await self._prover.check(self._task.examples, code)
        return [VisibleResult(one.source, one.passed, bounded(one.output, 300)) for one in found]
