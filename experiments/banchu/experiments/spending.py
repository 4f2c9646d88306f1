"""What a run has cost so far, from its ledger: each call once, as it was bought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from banchu.core.chat import CallRole, Usage
from banchu.experiments.config import RunConfig
from banchu.experiments.ledger import Ledger
from banchu.experiments.metering import Cost, tokens_at_most
from banchu.experiments.prices import Rate
from banchu.models.registry import is_api


@dataclass(frozen=True, slots=True)
class Spent:
    """By all processes of a run together."""

    usage: Usage
    usd: Decimal | None
    """None: the price of some model is not known."""
    unpriced: tuple[str, ...] = ()
    """Models whose price is not known, of those that were asked."""
    uncounted: int = 0
    """Calls for which the server counted no tokens; theirs are estimated."""

    @property
    def cost(self) -> Cost:
        """As an account begins with; USD that are not known are 0, and no budget counts them."""
        return Cost(self.usage.total_tokens, self.usd or Decimal(0))

    def to_json(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "usd": None if self.usd is None else float(self.usd),
            "price_unknown": list(self.unpriced),
            "calls_without_a_count": self.uncounted,
        }


def models_of(config: RunConfig) -> dict[CallRole, str]:
    """Who answers to whom: the id of each role's model."""
    critic, reflector = config.critic or config.model, config.reflector or config.model
    return {"actor": config.model, "tester": config.model, "critic": critic, "reflector": reflector}


def paid(config: RunConfig) -> list[str]:
    """The ids of all that a run may pay for: its models, and its embedder where that is behind an API."""
    return list(dict.fromkeys([*models_of(config).values(), *([config.embedder] if is_api(config.embedder) else [])]))


def spent_in(ledger: Ledger, config: RunConfig, rate: Callable[[str], Rate | None]) -> Spent:
    """What a run's ledger holds, at what its models and its embedder cost today: `rate` of their ids, None where it is
    not known.

    A call that no episode has used yet (its process was killed between the two) counts at the dearest rate.
    """
    models = models_of(config)
    usage, usd, uncounted = Usage(), Decimal(0), 0
    unpriced: dict[str, None] = {}
    for bought in ledger.bought():
        found = bought.usage
        if bought.uncounted:
            prompt, answer = tokens_at_most(bought.prompt_size), tokens_at_most(bought.answer_size)
            found = Usage(found.prompt_tokens + prompt, found.completion_tokens + answer)
        ids = [models[bought.role]] if bought.role else sorted(set(models.values()))
        rates = {id: rate(id) for id in ids}
        unpriced |= {id: None for id, known in rates.items() if known is None}
        usd += max((known.of(found, bought.calls) for known in rates.values() if known), default=Decimal(0))
        uncounted += bought.uncounted
        usage = Usage(usage.prompt_tokens + found.prompt_tokens, usage.completion_tokens + found.completion_tokens)
    if tokens := sum(row["tokens"] for row in ledger.rows("SELECT tokens FROM embeddings", of="embeddings")):
        found, known = Usage(tokens, 0), rate(config.embedder)
        unpriced |= {} if known else {config.embedder: None}
        usd += known.of(found) if known else 0
        usage = Usage(usage.prompt_tokens + tokens, usage.completion_tokens)
    return Spent(usage, None if unpriced else usd, tuple(unpriced), uncounted)
