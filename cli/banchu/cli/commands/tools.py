"""`banchu tools`: what a model may be offered here, and one call by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from banchu.cli.commands.options import Isolation
from banchu.cli.flags import takes_flags
from banchu.cli.tool_flags import ToolSources


@takes_flags
def tools(
    sources: ToolSources,
    action: Annotated[str | None, typer.Argument(help="`try` makes one call.")] = None,
    tool: Annotated[
        str | None, typer.Argument(help="Its name among --tools, --mcp and --tools-file, or FILE.py:NAME.")
    ] = None,
    arguments: Annotated[str, typer.Argument(help="JSON, as a model would write it.")] = "{}",
    isolation: Isolation = "namespaces",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List tools with what a model is told of them, or try one.

    Examples: `banchu tools` · `banchu tools --mcp mcp-server-time` · `banchu tools try my_tools.py:look '{"at": "a"}'`
    """
    import asyncio

    from banchu.cli.try_tools import list_tools, try_tool
    from banchu.core.errors import ConfigError, unknown
    from banchu.experiments.tools.options import ToolOptions

    file = None if sources.tools_file is None else str(sources.tools_file)
    options = ToolOptions(tuple(sources.tools or ()), tuple(sources.mcp or ()), file)
    if action is None:
        asyncio.run(list_tools(options, as_json=json))
        return
    if action != "try":
        raise unknown("action", action, ("try",))
    if tool is None:
        raise ConfigError("`banchu tools try` needs a tool, such as `banchu tools try my_tools.py:count`")
    asyncio.run(try_tool(options, tool, arguments, isolation, as_json=json))
