"""What may be said of tools on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from banchu.experiments.tools.options import ToolOptions

_CALLS = ("auto", "native", "text")


@dataclass(frozen=True, slots=True)
class ToolSources:
    """Where tools come from."""

    PANEL: ClassVar[str] = "Tools"
    tools: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOOL",
            help="A tool for arms that use tools: python, python_session, shell, files, run_visible_tests, "
            "calculator, ask_model, search_memory, FILE.py:NAME, or an installed one; repeatable. Default: python. "
            "See docs/tools.md.",
        ),
    ] = None
    mcp: Annotated[
        list[str] | None,
        typer.Option(metavar="COMMAND|URL", help="An MCP server whose tools are used; repeatable."),
    ] = None
    tools_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML with tools and servers, each with its limits.")
    ] = None


@dataclass(frozen=True, slots=True)
class ToolFlags(ToolSources):
    """The tools of arms that use them, and how a model calls them."""

    tool_calls: Annotated[
        str,
        typer.Option(metavar="WAY", help="How a model calls tools: native, text, or auto (native over an API)."),
    ] = "auto"
    max_tool_calls: Annotated[
        int | None, typer.Option(metavar="N", help="Calls of tools in one episode at most. Default: 32.")
    ] = None

    def options(self) -> ToolOptions:
        """As `Invocation` takes them. Raises ConfigError."""
        from banchu.core.errors import unknown
        from banchu.experiments.tools.options import ToolOptions

        if self.tool_calls not in _CALLS:
            raise unknown("--tool-calls", self.tool_calls, _CALLS)
        return ToolOptions(
            tools=tuple(self.tools or ()),
            mcp=tuple(self.mcp or ()),
            file=None if self.tools_file is None else str(self.tools_file),
            calls=self.tool_calls,  # type: ignore[arg-type]  # one of _CALLS
            max_calls=self.max_tool_calls,
        )
