"""An embedder over an API: bought once, frozen in the ledger, counted, and refused where it cannot be kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.experiments.remembering import ACROSS, TASK

from banchu.core.errors import ConfigError, ModelError
from banchu.experiments.budget import Budget
from banchu.experiments.digest import digest_of
from banchu.experiments.invocation import Invocation
from banchu.experiments.launch import plan
from banchu.experiments.prices import Prices, Rate
from banchu.experiments.spending import spent_in
from banchu.models.embedding.hashed import HashedEmbedder
from banchu.models.recorded import Recording

ARMS = f"{ACROSS},intrinsic+memory=across"
HALF = {"rounds": 1, "memory_train": 2}
DEAR = Prices({"openai:e": Rate(Decimal("0.1"), Decimal(0))})


class Paid(HashedEmbedder):
    """Stands for one over an API: counts what it is sent, a token a word."""

    def __init__(self, *, counts: bool = True, dead: bool = False) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.tokens = 0
        self._counts, self._dead = counts, dead

    @property
    def id(self) -> str:
        return "openai:e@http://127.0.0.1:9/v1"

    async def embed(self, texts: Sequence[str]) -> Any:
        if self._dead:
            raise ModelError("nobody answers", fatal=True)
        self.sent += texts
        self.tokens += sum(len(text.split()) for text in texts) if self._counts else 0
        return await super().embed(texts)


async def test_a_text_is_bought_once_and_its_tokens_are_what_the_run_has_cost(lab: Any) -> None:
    paid = Paid()
    assert (await lab.run("a", lab.tasks(4), ARMS, embedder=paid, **HALF)).complete
    assert len(paid.sent) == len({*paid.sent}) >= 4
    config = lab.config(lab.tasks(4), ARMS, embedder=paid.id, **HALF)
    with lab.ledger("a") as ledger:
        first, chat = digest_of(ledger), ledger.purchased()
        spent = spent_in(ledger, config, DEAR.rate)
        assert spent.usage.prompt_tokens == chat.prompt_tokens + paid.tokens
        assert spent.usd == paid.tokens * Decimal("0.1") > 0
        assert spent_in(ledger, config, Prices().rate).unpriced == (paid.id,)
    assert "embeddings" in first.tables

    # Who walks it again is told the same, though nobody answers any more.
    with sqlite3.connect(lab.folder / "a" / "ledger.sqlite") as db:
        db.execute("UPDATE episodes SET status = 'open'")
        db.execute("DELETE FROM recalls")
    assert (await lab.run("a", lab.tasks(4), ARMS, embedder=Paid(dead=True), **HALF)).complete
    with lab.ledger("a") as ledger:
        assert digest_of(ledger) == first


@pytest.mark.slow
async def test_an_embedder_of_this_machine_is_not_kept(lab: Any) -> None:
    await lab.run("a", lab.tasks(4), ACROSS, embedder=HashedEmbedder(), **HALF)
    with lab.ledger("a") as ledger:
        assert "embeddings" not in digest_of(ledger).tables


@pytest.mark.slow
async def test_a_budget_that_it_would_break_ends_the_run_and_a_larger_one_lets_it_go_on(lab: Any) -> None:
    await lab.run("whole", lab.tasks(4), ARMS, embedder=Paid(), **HALF)
    paid = Paid()
    run = {"embedder": paid, "prices": DEAR, **HALF}
    outcome = await lab.run("cut", lab.tasks(4), ARMS, budget=Budget(usd=1), **run)
    assert outcome.budget.option == "--max-usd"
    assert outcome.open
    assert paid.sent == []
    assert outcome.budget.next_call > 1
    assert (await lab.run("cut", lab.tasks(4), ARMS, budget=Budget(usd=10_000), **run)).complete
    assert lab.trajectories("cut") == lab.trajectories("whole")
    with lab.ledger("whole") as ledger:
        tokens = ledger.purchased().total_tokens
    # Tokens of texts count as those of chats do: what all chats of the run used is too little.
    short = await lab.run("short", lab.tasks(4), ARMS, embedder=Paid(), budget=Budget(tokens=tokens), **HALF)
    assert short.budget.option == "--max-total-tokens"


@pytest.mark.slow
async def test_a_server_that_counts_nothing_is_charged_by_an_estimate(lab: Any) -> None:
    await lab.run("a", lab.tasks(4), ACROSS, embedder=Paid(counts=False), **HALF)
    with lab.ledger("a") as ledger:
        assert sum(row["tokens"] for row in ledger.rows("SELECT tokens FROM embeddings", of="embeddings")) > 50


async def test_dollars_without_its_price_are_refused(lab: Any) -> None:
    with pytest.raises(ConfigError, match=r"--max-usd 1: the price of 'openai:e@.*--prices FILE"):
        await lab.run("a", lab.tasks(4), ACROSS, embedder=Paid(), budget=Budget(usd=1), **HALF)


async def test_recordings_hold_no_vectors_and_say_so(tmp_path: Path) -> None:
    asked = Invocation("easy", "scripted:x", f"{TASK},{ACROSS}", repeats=2, memory_train="0.5", embedder="openai:e")
    with (
        Recording(tmp_path / "r.jsonl", "record") as recording,
        pytest.raises(ConfigError, match=r"--embedder openai:e: a recording holds no vectors.*minilm"),
    ):
        await plan(asked, tmp_path, recording=recording)
