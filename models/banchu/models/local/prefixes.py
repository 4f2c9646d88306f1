"""Prompts that were read lately, with their keys and values: whoever asks for the same, or begins alike, starts there.

Repeats and fresh samples ask the same prompt again; a later round begins as the one before; chats share their system
message. Reading a prompt costs as much as writing an answer of its length, copying what was read next to nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from banchu.models.local.slots import Pair

WORTH = 32
"""Tokens in common from which on they are not read again."""


class Prefixes:
    """The last prompts, `max_bytes` of keys and values in all."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[int, ...], list[Pair]] = OrderedDict()

    def shared(self, prompt: Sequence[int]) -> int:
        """How many of the prompt's first tokens need not be read. At least one is: its answer begins there."""
        return self._longest(prompt)[1]

    def find(self, prompt: Sequence[int]) -> tuple[list[Pair], int]:
        """Keys and values that begin as the prompt, and for how many tokens; ([], 0) where it is not worth it."""
        key, length = self._longest(prompt)
        if not length:
            return [], 0
        self._kept.move_to_end(key)
        return self._kept[key], length

    def has(self, prompt: Sequence[int]) -> bool:
        return tuple(prompt) in self._kept

    def keep(self, prompt: Sequence[int], pairs: list[Pair]) -> None:
        """Remember a prompt; the ones that were used least lately make room."""
        size = _size(pairs)
        if size > self._max_bytes or self.has(prompt):
            return
        self._kept[tuple(prompt)] = pairs
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._bytes -= _size(self._kept.popitem(last=False)[1])

    def _longest(self, prompt: Sequence[int]) -> tuple[tuple[int, ...], int]:
        best: tuple[tuple[int, ...], int] = ((), 0)
        head = tuple(prompt[:WORTH])
        for key in self._kept:
            if key[:WORTH] == head and (length := min(common(key, prompt), len(prompt) - 1)) > best[1]:
                best = key, length
        return best if best[1] >= WORTH else ((), 0)


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """With how many equal tokens both begin."""
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return i
    return min(len(one), len(other))


def _size(pairs: list[Pair]) -> int:
    return sum(tensor.nbytes for pair in pairs for tensor in pair)
