"""The most that conversations with tools can cost: a call of the model for each turn, each longer than the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from banchu.agents.tools.builtin.ask_model import SYSTEM
from banchu.agents.tools.talk import MAX_TURNS
from banchu.core.arm import Arm
from banchu.core.chat import Usage
from banchu.experiments.config import RunConfig
from banchu.experiments.metering import PER_MESSAGE, tokens_at_most

_AROUND: Final = 100
"""Characters around a result, and of the note that it was cut, at most."""
_REFUSAL: Final = tokens_at_most(100 + _AROUND, 1)
"""What is told of a call beyond the most."""
_LEAST_CALL: Final = 5
"""Tokens of the shortest call: a name, and what makes it a call."""


def first_turn(config: RunConfig, once: Usage) -> Usage:
    """A call with tools on offer.

    Args:
        once: the same without.
    """
    return Usage(once.prompt_tokens + tokens_at_most(config.tools["most"]["offer"]), once.completion_tokens)


class Turns:
    """What one arm asks of one task, where a model may call tools.

    An answer may call many tools, and what a call was told is in every later prompt of its conversation. So the most is
    that all calls which an episode may make are in the first answer of its first conversation, each with the longest
    result, and that each further answer holds as many calls as fit into it, which are refused.
    """

    def __init__(self, config: RunConfig, arm: Arm) -> None:
        self._config = config
        self._left = config.tools["most"]["calls"] if arm.uses_tools else 0

    def of(self, once: Usage, with_tools: bool, *, first: bool = True) -> Iterator[Usage]:
        """The calls in the place of one, at most; the one itself where there are no tools.

        Args:
            once: of the call without tools.
            first: also the first turn, which arms may share.
        """
        if not with_tools:
            if first:
                yield once
            return
        most, answer = self._config.tools["most"], once.completion_tokens
        begun, full = first_turn(self._config, once), self._left
        self._left = 0
        if first:
            yield begun
        results = full * tokens_at_most(max(most["bytes"], most["offer"]) + _AROUND, 1)
        further = answer + PER_MESSAGE + answer // _LEAST_CALL * _REFUSAL
        for turn in range(1, MAX_TURNS):
            yield Usage(begun.prompt_tokens + results + turn * further, answer)

    def helped(self, answer: int) -> Iterator[Usage]:
        """What the tool `ask_model` may ask of another model.

        Args:
            answer: tokens of the longest answer that calls it, which holds the question.
        """
        if self._left and "ask_model" in self._config.tools["names"]:
            asked = Usage(tokens_at_most(len(SYSTEM), 2) + answer, self._config.sampling.max_tokens)
            yield from [asked] * self._left
