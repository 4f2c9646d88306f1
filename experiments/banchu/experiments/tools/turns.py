"""The most that a conversation with tools can cost: a call of the model for each turn, each longer than the last."""

from __future__ import annotations

from collections.abc import Iterator

from banchu.agents.tools.converse import MAX_TURNS
from banchu.core.chat import Usage
from banchu.experiments.config import RunConfig
from banchu.experiments.metering import tokens_at_most


def most_turns(config: RunConfig, once: Usage, with_tools: bool) -> Iterator[Usage]:
    """The calls in the place of one, at most; the one itself where there are no tools.

    Args:
        once: of the call without tools.
    """
    if not with_tools:
        yield once
        return
    most = config.tools["most"]
    for turn in range(min(MAX_TURNS, 1 + most["calls"])):
        said = turn * (once.completion_tokens + tokens_at_most(most["bytes"], 2))
        yield Usage(once.prompt_tokens + tokens_at_most(most["offer"]) + said, once.completion_tokens)
