"""`Kit`: the tools of one run. It says what they are, for the run's configuration, and gives each episode its own."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from banchu.agents.tools import BoxLimits, McpServer, Tool, ToolBox, opened
from banchu.agents.tools.speech import Way
from banchu.agents.tools.talk import CHECK, digest
from banchu.core.arm import Arm
from banchu.core.chat import CallRole, Sampling
from banchu.core.errors import ConfigError
from banchu.experiments.tools.builtin import BuiltIn, Handles
from banchu.experiments.tools.options import ToolOptions, Wanted, require_use, wanted, way_of
from banchu.models import Model

Part: TypeAlias = BuiltIn | Tool


class _Named:
    """Stands for a handle where only what a tool is called and what it says of itself is asked."""

    id = "helper"
    prompt_style = "chat"


_NAMED: Final = cast(Any, _Named())
NOTHING: Final = Handles(_NAMED, _NAMED, _NAMED, _NAMED, _NAMED, Sampling(), _NAMED)
"""Handles that nothing can be done with."""


@dataclass(frozen=True, slots=True)
class Kit:
    """Tools that are open, and banchu's own, which are made for each episode.

    Raises:
        ConfigError: two tools of one name.
    """

    parts: tuple[Part, ...]
    limits: BoxLimits
    ways: Mapping[CallRole, Way]
    """How actor and critic call them."""

    def __post_init__(self) -> None:
        _ = self.sample

    @property
    def sample(self) -> ToolBox:
        """The box, with built-in tools that work on nothing: for what it is, not for what it does."""
        return self.box(NOTHING)

    def box(self, handles: Handles, around: Callable[[Tool], Tool] = lambda tool: tool, **values: Any) -> ToolBox:
        """The box of an episode with these handles; `values` as `ToolBox` takes them.

        Args:
            around: what to put in the place of each tool.
        """
        tools = [around(part.make(handles) if isinstance(part, BuiltIn) else part) for part in self.parts]
        return ToolBox(tools, limits=self.limits, **values)

    def to_json(self) -> dict[str, Any]:
        """What goes into the run's configuration: equal kits make the same run."""
        sample = self.sample
        shared = [part.name for part in self.parts if not isinstance(part, BuiltIn) and not part.stateless]
        words = [*(digest(way) for way in sorted(set(self.ways.values()))), CHECK]
        return {
            "names": [tool.name for tool in sample.tools],
            "oracles": [tool.name for tool in sample.tools if tool.oracle],
            **({"shared": shared} if shared else {}),
            "box": sample.digest,
            "calls": dict(self.ways),
            "most": {
                "calls": self.limits.max_calls,
                "bytes": max(tool.limits.max_characters for tool in sample.tools),
                "offer": sum(len(f"{t.name}{t.description}{t.parameters}".encode()) for t in sample.tools) + 1000,
            },
            "words": hashlib.sha256("\0".join(words).encode()).hexdigest(),
        }

    def __str__(self) -> str:
        """`python (built in), lint; the actor calls them natively, the critic in text`."""
        built_in = {part.name for part in self.parts if isinstance(part, BuiltIn)}
        names = [f"{t.name}{' (built in)' if t.name in built_in else ''}" for t in self.sample.tools]
        told = {"native": "natively", "text": "in text"}
        return f"{', '.join(names)}; {', '.join(f'the {role} calls them {told[w]}' for role, w in self.ways.items())}"


@contextlib.asynccontextmanager
async def open_kit(options: ToolOptions, arms: Sequence[Arm], actor: Model, critic: Model) -> AsyncIterator[Kit | None]:
    """The kit of a run, with its servers running until the end; None: no arm uses tools.

    Raises:
        ConfigError: tools that nobody would use, that cannot be found, or that the way of asking has no place for.
        ToolError: a server cannot be started.
    """
    if not require_use(options, arms):
        yield None
        return
    by_actor = any(arm.tools == "actor" for arm in arms)
    if by_actor and actor.prompt_style == "completion":
        raise ConfigError(
            f"tools=actor: {actor.id} is asked to continue raw text, which has no place for calls of tools; use "
            f"--style chat, or an arm in which only the critic has tools (--arms tools)"
        )
    found, limits = wanted(options)
    ways: dict[CallRole, Way] = {"actor": way_of(options.calls, actor)} if by_actor else {}
    if any(arm.source == "tools" for arm in arms):
        ways["critic"] = way_of(options.calls, critic)
    async with started(found) as parts:
        yield Kit(parts, limits, ways)


@contextlib.asynccontextmanager
async def started(found: Iterable[Wanted]) -> AsyncIterator[tuple[Part, ...]]:
    """Tools and those of servers, which run until the end. Raises ToolError."""
    async with contextlib.AsyncExitStack() as stack:
        parts: list[Part] = []
        for one in found:
            parts += await stack.enter_async_context(opened([one])) if isinstance(one, McpServer) else [one]
        yield tuple(parts)
