"""What a user asks of tools, and the tools that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from banchu.agents.tools import BoxLimits, McpServer, Tool, from_mcp, from_spec, from_toml
from banchu.agents.tools.speech import Way
from banchu.core.arm import Arm
from banchu.core.errors import ConfigError
from banchu.core.paths import user_path
from banchu.experiments.tools.builtin import BUILT_IN, BuiltIn
from banchu.models import Around, Model

Calls = Literal["auto", "native", "text"]
Wanted: TypeAlias = BuiltIn | Tool | McpServer
DEFAULT: Final = "python"
"""What an arm has that uses tools in a run that names none."""


@dataclass(frozen=True, slots=True)
class ToolOptions:
    """Kept in the ledger with the rest of an invocation."""

    tools: tuple[str, ...] = ()
    """Names of built-in tools, `FILE.py:NAME`, or entry points."""
    mcp: tuple[str, ...] = ()
    """Servers, each by the command that starts it or by its address."""
    file: str | None = None
    """A TOML file of tools and servers."""
    calls: Calls = "auto"
    """How a model calls them; auto: natively where it takes tools."""
    max_calls: int | None = None
    """In one episode; None: as the file says, or 32."""

    @property
    def said(self) -> str:
        """The first option that was given, as a user writes it; "": none."""
        given = {
            "--tools": self.tools,
            "--mcp": self.mcp,
            "--tools-file": self.file,
            "--max-tool-calls": self.max_calls,
            "--tool-calls": self.calls if self.calls != "auto" else None,
        }
        return next((option for option, value in given.items() if value), "")


def require_use(options: ToolOptions, arms: Sequence[Arm]) -> bool:
    """Whether a run uses tools. Raises ConfigError where they were asked for and no arm does."""
    if any(arm.uses_tools for arm in arms):
        return True
    if options.said:
        raise ConfigError(
            f"{options.said}: no arm of this run uses tools; use --arms none+tools=actor (the model may call them "
            f"before it answers) or --arms tools (a critic checks the answer with them)"
        )
    return False


def wanted(options: ToolOptions) -> tuple[tuple[Wanted, ...], BoxLimits]:
    """All that was asked for, in order, with the limits of an episode. Raises ConfigError."""
    found: list[Wanted] = []
    for name in options.tools:
        found += [BUILT_IN[name]] if name in BUILT_IN else from_spec(name, known=tuple(BUILT_IN))
    found += [from_mcp(words) for words in options.mcp]
    limits = BoxLimits()
    if options.file is not None:
        told = from_toml(user_path(options.file))
        found, limits = [*found, *told.sources], told.limits
    if options.max_calls is not None:
        if options.max_calls < 1:
            raise ConfigError(f"--max-tool-calls {options.max_calls} is too small; the least is 1")
        limits = replace(limits, max_calls=options.max_calls)
    return tuple(found) or (BUILT_IN[DEFAULT],), limits


def way_of(calls: Calls, model: Model) -> Way:
    """How a model calls tools. Only one that is known to take them is asked natively unbidden: known without being
    loaded, since a dry run and a replay must find the same run (docs/tools.md)."""
    if calls == "auto":
        return "native" if Around(model).takes_tools else "text"
    return calls
