"""`Tool`: a name, what it is for, the schema of its arguments, and what runs when a model calls it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from banchu.core.chat import Tool as Offer
from banchu.core.errors import ConfigError

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What OpenAI's API takes for a name; the narrowest of those that matter."""


class BadArguments(Exception):
    """A tool cannot take these arguments; the message is for the model."""


class ToolFailed(Exception):
    """A tool could not do what it was asked; the message is for the model. A user's tool may raise anything else."""


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """What one tool may take. Raises ConfigError for a limit that is none."""

    timeout_s: float = 30.0
    """For one call. A Python function that is not async cannot be stopped: its thread is left behind."""
    max_characters: int = 8000
    """Of one result; a longer one loses its middle, with a note of how much."""
    max_calls: int | None = None
    """In one episode; None: as many as the tool box allows."""

    def __post_init__(self) -> None:
        if not (isinstance(self.timeout_s, int | float) and 0 < self.timeout_s < float("inf")):
            raise ConfigError(f"a tool's timeout_s {self.timeout_s!r} must be a number of seconds above 0")
        if type(self.max_characters) is not int or self.max_characters < 100:
            raise ConfigError(f"a tool's max_characters {self.max_characters!r} must be a whole number, 100 at least")
        if self.max_calls is not None and (type(self.max_calls) is not int or self.max_calls < 1):
            raise ConfigError(f"a tool's max_calls {self.max_calls!r} must be a whole number, 1 at least, or left out")


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call.

    Raises:
        ConfigError: a name that no API takes, no description, or parameters that are no JSON Schema of an object.
    """

    name: str
    description: str
    parameters: str
    """The JSON Schema of its arguments, as JSON."""
    run: Callable[[dict[str, Any]], Awaitable[str]]
    """Arguments in, text out. Raises BadArguments, ToolFailed, or whatever else goes wrong."""
    oracle: bool = False
    """It knows the answer to the task, so an arm that has it is no honest one and is labelled."""
    limits: ToolLimits = ToolLimits()
    version: str = ""
    """Changes when what the tool does changes, as far as that can be told."""
    function: Callable[..., Any] | None = None
    """What it was made of, which calling the tool as a function still calls."""
    stateless: bool = False
    """It says that it keeps nothing from one call to another, so that no arm of a run can learn of one in another."""
    asks: bool = False
    """It asks a model of the episode's, whose answers the ledger keeps. Where a call is told again it is made again
    too: the same answer comes back, and the episode is charged it as it was."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"a tool's name {self.name!r} must be 1 to 64 letters, digits, _ or -")
        if not self.description.strip():
            raise ConfigError(f"tool {self.name!r} has no description, so no model could know what it is for")
        try:
            schema = json.loads(self.parameters)
        except ValueError as error:
            raise ConfigError(f"tool {self.name!r}: its parameters are not JSON ({error})") from None
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise ConfigError(f"tool {self.name!r}: its parameters must be a JSON Schema with type 'object'")

    @property
    def offer(self) -> Offer:
        """What a model is told of it."""
        return Offer(self.name, self.description, self.parameters)

    @property
    def digest(self) -> str:
        """sha256 over all that is known to change what it tells a model."""
        told = [self.name, self.description, self.parameters, self.oracle, asdict(self.limits), self.version]
        told += ["stateless"] if self.stateless else []
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    async def call(self, arguments: dict[str, Any]) -> str:
        """Its result, without any of the limits, which are the tool box's to keep. Raises as `run` does."""
        return await self.run(arguments)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function that it was made of."""
        if self.function is None:
            raise TypeError(f"tool {self.name!r} was not made of a Python function; use `await tool.call(arguments)`")
        return self.function(*arguments, **named)
