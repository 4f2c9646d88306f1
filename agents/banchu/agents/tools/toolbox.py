"""`ToolBox`: the tools of one episode, their limits, and a record of every call.

Whatever a model writes, it gets an answer: a result, or what was wrong with the call. An error of what runs a tool is
the user's: it ends the call with one of banchu's errors.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from banchu.agents.quoting import bounded, defused
from banchu.agents.tools.running import Stopped, run_within
from banchu.agents.tools.tool import BadArguments, Tool, ToolFailed
from banchu.core.chat import CallRole
from banchu.core.chat import Tool as Offer
from banchu.core.errors import BanchuError, ConfigError, unknown
from banchu.core.lenient import Unreadable, read_whole
from banchu.core.loading import said
from banchu.core.tool_record import ToolCallRecord, ToolOutcome
from banchu.models.protocol import NotSent

Sink = Callable[[ToolCallRecord], None]
"""Takes the record of each call; what it raises ends the call."""
MAX_ARGUMENTS: Final = 100_000
"""Characters of a call's arguments."""
FORM: Final = '{"name": "TOOL", "arguments": {...}}'


@dataclass(frozen=True, slots=True)
class BoxLimits:
    """What all calls of an episode may take together."""

    max_calls: int = 32
    max_s: float = 300.0
    """Wall time, as the calls took it; a call is stopped where it is spent."""

    def __post_init__(self) -> None:
        if type(self.max_calls) is not int or self.max_calls < 1:
            raise ConfigError(f"max_calls {self.max_calls!r} of a tool box must be a whole number, 1 at least")
        if not (isinstance(self.max_s, int | float) and 0 < self.max_s < float("inf")):
            raise ConfigError(f"max_s {self.max_s!r} of a tool box must be a number of seconds above 0")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a model is told of its call."""

    text: str
    outcome: ToolOutcome


class ToolBox:
    """Tools that are open, for one episode.

    Args:
        sink: takes the record of each call.
        earlier: records of this episode from before it was interrupted: a call that is made again, at the same place
            and with the same words, is told the same and not run.
        passing: errors that are nobody's in here and go through as they are, such as a budget's end.
        before: is awaited before each call that is run, on nobody's clock: to bring back what a tool works on.

    Raises:
        ConfigError: two tools of one name.
    """

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        *,
        limits: BoxLimits | None = None,
        sink: Sink | None = None,
        earlier: Sequence[ToolCallRecord] = (),
        passing: tuple[type[Exception], ...] = (),
        before: Callable[[Tool], Awaitable[None]] | None = None,
    ) -> None:
        self.tools: Final = tuple(tools)
        self._by_name = {tool.name: tool for tool in self.tools}
        if twice := [name for name, count in Counter(tool.name for tool in self.tools).items() if count > 1]:
            raise ConfigError(f"two tools are called {twice[0]!r}; give one another name, or its server a prefix")
        self.limits: Final = limits or BoxLimits()
        self._sink = sink
        told = (record for record in earlier if record.outcome not in ("cancelled", "host_failed"))
        self._earlier = {record.index: record for record in told}
        self._passing: tuple[type[Exception], ...] = (BanchuError, NotSent, *passing)
        self._before = before
        self._made: Counter[str] = Counter()
        self._spent_s = 0.0

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What a model is told of the tools."""
        return tuple(tool.offer for tool in self.tools)

    @property
    def digest(self) -> str:
        """sha256 over tools and limits: another box may make another run."""
        parts = [*(tool.digest for tool in self.tools), str(self.limits)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def n_calls(self) -> int:
        """Calls so far, refused ones included."""
        return self._made.total()

    def goes_on(self, made: int) -> None:
        """Count the first `made` calls of the episode as made, also where another box made them: an episode that goes
        on from a checkpoint has a new one. Of those that it holds no record of, the time is not known."""
        for index in range(self.n_calls, made):
            record = self._earlier.get(index)
            self._made[record.tool if record else ""] += 1
            self._spent_s += record.wall_s if record else 0.0

    async def call(self, name: str, arguments: str, *, role: CallRole = "actor", round: int = 0) -> ToolResult:
        """What became of a call, told for the model.

        Args:
            name: "" where a call could not be read; its text is then in `arguments`.
            arguments: JSON as the model wrote it.

        Raises:
            ToolError: what runs the tool failed.
            BanchuError: another error of banchu's own, such as that of a second model.
        """
        index, tool = self.n_calls, self._by_name.get(name)
        self._made[name] += 1
        known = self._earlier.get(index)
        if known is not None and (known.tool, known.arguments) == (name, arguments):
            if tool and tool.asks and known.outcome == "answered":
                await tool.call(_values(arguments))
            self._keep(known)
            return ToolResult(known.result, known.outcome)
        self._earlier.clear()
        text, shown = "", ""
        outcome: ToolOutcome = "cancelled"
        if tool and self._before:
            await self._before(tool)
        begun = time.monotonic()
        try:
            text, outcome = await self._answered(tool, name, arguments)
            shown = _shown(text, tool)
        except BanchuError as error:
            shown, outcome = str(error), "host_failed"
            raise
        finally:
            wall_s, oracle = time.monotonic() - begun, bool(tool and tool.oracle)
            left_out = max(0, len(text) - tool.limits.max_characters) if tool else 0
            record = ToolCallRecord(index, name, arguments, shown, outcome, wall_s, role, round, left_out, oracle)
            self._keep(record)
        return ToolResult(shown, outcome)

    def _keep(self, record: ToolCallRecord) -> None:
        self._spent_s += record.wall_s
        if self._sink:
            self._sink(record)

    async def _answered(self, tool: Tool | None, name: str, arguments: str) -> tuple[str, ToolOutcome]:
        if self.n_calls > self.limits.max_calls or self._spent_s >= self.limits.max_s:
            return "Not run: no calls of tools are left. Give your answer now.", "limit"
        if not name:
            return f"Not run: the call cannot be read ({_unread(arguments)}). Write {FORM}.", "unreadable"
        if tool is None:
            return f"Not run: {unknown('tool', name[:64], self._by_name)}", "unknown_tool"
        if tool.limits.max_calls is not None and self._made[name] > tool.limits.max_calls:
            return f"Not run: {name} may be called {tool.limits.max_calls} times. Go on without it.", "limit"
        try:
            values = _values(arguments)
        except BadArguments as error:
            return f"Not run: {error}", "unreadable"
        return await self._ran(tool, values)

    async def _ran(self, tool: Tool, values: dict[str, object]) -> tuple[str, ToolOutcome]:
        left_s = self.limits.max_s - self._spent_s
        try:
            return str(await run_within(tool.call(values), min(tool.limits.timeout_s, left_s))), "answered"
        except self._passing:
            raise
        except Stopped:
            return f"{tool.name} was stopped after {min(tool.limits.timeout_s, left_s):.3g} seconds.", "timed_out"
        except BadArguments as error:
            return f"Not run: wrong arguments for {tool.name}: {error}", "bad_arguments"
        except ToolFailed as error:
            return f"{tool.name} failed: {error}", "failed"
        except Exception as error:  # noqa: BLE001  # a tool is somebody else's code
            return f"{tool.name} failed: {said(error)}", "failed"


def _shown(text: str, tool: Tool | None) -> str:
    """Bounded, without marks of chat templates and halves of surrogate pairs."""
    text = defused(text.encode("utf-8", "replace").decode())
    return bounded(text, tool.limits.max_characters) if tool else text


def _values(arguments: str) -> dict[str, object]:
    if len(arguments) > MAX_ARGUMENTS:
        raise BadArguments(f"the arguments are longer than {MAX_ARGUMENTS} characters")
    try:
        values = read_whole(arguments) if arguments.strip() else {}
    except Unreadable as error:
        raise BadArguments(f"the arguments are no JSON: {error}") from None
    if not isinstance(values, dict):
        raise BadArguments("the arguments must be a JSON object")
    return values


def _unread(block: str) -> str:
    try:
        read_whole(block[:MAX_ARGUMENTS])
    except Unreadable as error:
        return str(error)
    return "it names no tool, or gives no arguments"
