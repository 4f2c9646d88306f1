"""The tests' end of an object that stays with the candidate: it can be handed back, called, and asked for attributes.

Nothing is compared through it: it equals itself and nothing else, whatever the object's own `__eq__` would say.
"""

from __future__ import annotations

from typing import Any, Protocol

from banchu.sandbox.wire.opaque import Opaque


class Asks(Protocol):
    """Who carries a request to the candidate."""

    def on_object(self, what: str, handle: Opaque, *arguments: Any) -> Any:
        """`call` (positional, named), `get` (name) or `set` (name, value)."""


class Handle(Opaque):
    """Raises what the candidate raises."""

    __slots__ = ("__banchu_remote__",)

    def __init__(self, remote: Asks, type_name: str, number: int) -> None:
        super().__init__(type_name, number)
        object.__setattr__(self, "__banchu_remote__", remote)

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return self.__banchu_remote__.on_object("call", self, positional, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__banchu_remote__.on_object("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__banchu_remote__.on_object("set", self, name, value)
