"""What a call may cost at most, before it is made, and what it did cost: tokens and USD."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from banchu.core.chat import Completion, Request, Usage
from banchu.experiments.prices import FREE, Rate

# Episodes with a budget of their own end where these say: another value is another run.
PER_BYTE: Final = 0.5
"""Tokens of a prompt for each of its bytes, until more were seen. English and code have about 0.3."""
PER_MESSAGE: Final = 16
"""Tokens that a chat template puts around a message."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call or of many."""

    tokens: int = 0
    usd: Decimal = Decimal(0)

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.tokens - other.tokens, self.usd - other.usd)


NOTHING: Final = Cost()


class Meter:
    """Costs of calls. It learns from those that it is told of how many tokens a byte of a prompt may hold.

    Args:
        rates: of each model, where USD matter; others are free.
    """

    def __init__(self, rates: Mapping[str, Rate] | None = None) -> None:
        self._rates = rates or {}
        self._per_byte = PER_BYTE

    def most(self, model: str, request: Request) -> Cost:
        """The most that a call may cost: its prompt, as estimated, and max_tokens of answer."""
        return self._cost(model, Usage(self._prompt_tokens(request), request.sampling.max_tokens))

    def of(self, model: str, request: Request, completion: Completion) -> Cost:
        """What it did cost; estimated from the texts where the server counted nothing."""
        usage = completion.usage
        if size := len(_encoded(request.prompt_text)):
            self._per_byte = max(self._per_byte, usage.prompt_tokens / size)
        if not usage.total_tokens:
            usage = Usage(self._prompt_tokens(request), tokens_at_most(len(_encoded(completion.text))))
        return self._cost(model, usage)

    def _cost(self, model: str, usage: Usage) -> Cost:
        return Cost(usage.total_tokens, self._rates.get(model, FREE).of(usage))

    def _prompt_tokens(self, request: Request) -> int:
        messages = 1 if isinstance(request.prompt, str) else len(request.prompt)
        return tokens_at_most(len(_encoded(request.prompt_text)), messages, self._per_byte)


def tokens_at_most(size: int, messages: int = 0, per_byte: float = PER_BYTE) -> int:
    """An estimate, rather too high, of the tokens of a text of `size` bytes in so many messages."""
    return math.ceil(size * per_byte) + PER_MESSAGE * messages


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
