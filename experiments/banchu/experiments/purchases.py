"""Calls to the model, each bought once and safe in the ledger before anybody uses it."""

from __future__ import annotations

import asyncio

from banchu.benchmarks import SealedScan
from banchu.core.chat import Completion, Request
from banchu.experiments.budget import Account, Budget
from banchu.experiments.episode_budget import Purse
from banchu.experiments.journal import EpisodeJournal, Journal, kept
from banchu.experiments.ledger import Ledger
from banchu.experiments.progress import Progress
from banchu.experiments.tracing import CallSource
from banchu.graphs import NotCovered
from banchu.models import Around, Model, NotSent


class Draining(Exception):
    """The run is ending early: no new call is bought. The episode stays open and goes on at the next start."""


class Purchases:
    """One run's calls. Equal requests in flight share one purchase; an answer in the ledger is never bought again.

    Args:
        account: is asked before a call is bought; None: it may cost what it will.
    """

    def __init__(self, ledger: Ledger, journal: Journal, progress: Progress, account: Account | None = None) -> None:
        self._ledger = ledger
        self._journal = journal
        self._progress = progress
        self._account = account or Account(Budget())
        self._in_flight: dict[str, asyncio.Task[Completion]] = {}
        self.draining = False

    @property
    def in_flight(self) -> int:
        return len(self._in_flight) - self._account.asking

    def drain(self) -> None:
        """Buy no new call. Idempotent."""
        self.draining = True
        self._account.close()

    async def buy(self, model: Model, key: str, request: Request) -> Completion:
        """A model's answer to a request, which `key` names. Raises ModelError, StorageError, or Draining."""
        if (purchase := self._in_flight.get(key)) is None:
            if (known := self._ledger.find_call(key)) is not None:
                return known
            if self.draining:
                raise Draining
            purchase = asyncio.create_task(self._purchase(model, key, request))
            self._in_flight[key] = purchase
            purchase.add_done_callback(lambda _: self._in_flight.pop(key, None))
        # Shielded: an episode that is cancelled must not throw away an answer that is being paid for.
        return await asyncio.shield(purchase)

    def source(self, model: Model, key: str) -> CallSource:
        """Where `buy` would take an answer from at this moment. For those who watch."""
        if key in self._in_flight:
            return "shared"
        if self._ledger.find_call(key) is not None:
            return "ledger"
        holds = getattr(model, "holds", None)
        return "recording" if holds and holds(key) else "model"

    async def settle(self) -> None:
        """Wait for the calls in flight, so that what they cost is kept."""
        await asyncio.gather(*self._in_flight.values(), return_exceptions=True)

    async def _purchase(self, model: Model, key: str, request: Request) -> Completion:
        if (held := await self._account.reserve(model.id, request)) is None:
            raise Draining
        completion = None
        try:
            completion = await model.complete(request)
        except NotSent:
            raise Draining from None
        finally:
            self._account.settle(held, model.id, request, completion)
        completion = kept(completion)
        await asyncio.wrap_future(self._journal.call(key, request, completion))
        self._progress.call(completion)
        return completion


class EpisodeModel(Around):
    """A model as one episode sees it: every call is scanned for sealed text, written to the episode's ledger, and
    charged to the purse that it shares with the episode's other models. Raises NotCovered where that holds too little.
    """

    def __init__(
        self, model: Model, purchases: Purchases, journal: EpisodeJournal, scan: SealedScan, purse: Purse
    ) -> None:
        super().__init__(model)
        self._purchases = purchases
        self._journal = journal
        self._scan = scan
        self._purse = purse

    async def complete(self, request: Request) -> Completion:
        # Asked whether the answer is known or not, so that a replayed episode ends where it ended.
        if not self._purse.covers(self.id, request):
            raise NotCovered
        key = request.key(self.id)
        completion = await self._purchases.buy(self._model, key, request)
        self._purse.charge(self.id, request, completion)
        self._journal.uses_call(request.role, request.round, key, self._scan.hits(request.prompt_text))
        return completion

    async def aclose(self) -> None:
        """Nothing: the run owns the model."""
