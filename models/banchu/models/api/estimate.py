"""How many tokens a call will take, before it is made."""

from __future__ import annotations

from typing import Final

from banchu.core.chat import Request, Usage

_FIRST: Final = 0.35
"""Tokens a character: of English and code a little more than is usual."""
_WEIGHT: Final = 0.05
_MOST: Final = 4.0


class Estimate:
    """Tokens of a prompt from its characters, learned from what the server counted."""

    def __init__(self) -> None:
        self._per_character = _FIRST

    def of(self, request: Request) -> int:
        """The prompt's tokens and the longest answer allowed: what a server counts before it has answered."""
        return round(len(request.prompt_text) * self._per_character) + 1 + request.sampling.max_tokens

    def learn(self, request: Request, usage: Usage) -> None:
        characters = len(request.prompt_text)
        if usage.prompt_tokens and characters:
            found = min(_MOST, usage.prompt_tokens / characters)
            self._per_character += _WEIGHT * (found - self._per_character)
