"""Where tools come from: a file of the user's, an installed package, an MCP server, and opening all of them.

A file or an entry point gives a tool, a tool of LangChain, an MCP server, a list of these, or a function without
arguments that makes them. Such code runs with the user's own rights.
"""

from __future__ import annotations

import contextlib
import inspect
import shlex
from collections.abc import AsyncIterator, Iterable, Sequence
from importlib.metadata import EntryPoint
from typing import Any, Final

from banchu.agents.tools.langchain import from_langchain, is_langchain_tool
from banchu.agents.tools.mcp_server import McpOptions, McpServer
from banchu.agents.tools.tool import Tool
from banchu.core import loading
from banchu.core.errors import BanchuError, ConfigError, unknown
from banchu.core.loading import said
from banchu.core.paths import user_path

GROUP: Final = "banchu.tools"
"""Of entry points."""
Source = Tool | McpServer


def installed() -> dict[str, EntryPoint]:
    """What packages offer, by name."""
    return loading.installed(GROUP)


def from_spec(spec: str, option: str = "--tools", known: Sequence[str] = ()) -> list[Source]:
    """What `FILE.py:NAME` or an entry point's name gives. Raises ConfigError.

    Args:
        option: what the user wrote before it, for messages.
        known: names that the caller knows besides, for messages.
    """
    path, _, attribute = spec.rpartition(":")
    if path.endswith(".py"):
        where = f"{option} {spec}"
        return as_sources(loading.from_file(user_path(path), attribute, where), where)
    offered = installed()
    if spec not in offered:
        raise unknown("tool", spec, (*known, *offered, "FILE.py:NAME"), hint="A file is named as FILE.py:NAME.")
    return as_sources(loading.from_entry_point(offered[spec]), loading.offered_by(offered[spec]))


def from_mcp(words: str, options: McpOptions | None = None, option: str = "--mcp") -> McpServer:
    """A server by what starts it, as in a shell but without one, or by its address. Raises ConfigError."""
    if words.startswith(("http://", "https://")):
        return McpServer(words.strip(), options)
    try:
        command = shlex.split(words)
    except ValueError as error:
        raise ConfigError(f"{option} {words!r} cannot be read ({error}); write it as in a shell") from None
    if not command:
        raise ConfigError(f"{option} names no program; write {option} 'uvx mcp-server-time', or an address")
    return McpServer(command, options)


def as_sources(found: Any, where: str, *, made: bool = False) -> list[Source]:
    """Tools and servers out of what somebody's code gave. Raises ConfigError."""
    if isinstance(found, Tool | McpServer):
        return [found]
    if is_langchain_tool(found):
        return [from_langchain(found)]
    if isinstance(found, list | tuple) and found:
        return [source for each in found for source in as_sources(each, where, made=True)]
    if callable(found) and not made:
        return as_sources(_made(found, where), where, made=True)
    hint = "put @tool above a function" if callable(found) or made else "use a function with @tool above it"
    raise ConfigError(
        f"{where} is no tool, it is {found!r:.60}; {hint}, or give a tool of LangChain or a list of tools"
    )


def _made(maker: Any, where: str) -> Any:
    try:
        needed = [
            parameter.name
            for parameter in inspect.signature(maker).parameters.values()
            if parameter.default is parameter.empty and parameter.kind not in (2, 4)
        ]
    except (TypeError, ValueError):
        needed = []
    if needed or inspect.iscoroutinefunction(maker):
        raise ConfigError(f"{where} is a plain function; put @tool above it (from banchu.agents.tools import tool)")
    try:
        return maker()
    except (BanchuError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  # the user's own code, which may call exit()
        raise ConfigError(f"{where} cannot be made: {said(error)}") from None


@contextlib.asynccontextmanager
async def opened(sources: Iterable[Source]) -> AsyncIterator[tuple[Tool, ...]]:
    """The tools of all sources, in order, with their servers running until the end.

    Raises:
        ToolError: a server cannot be started.
        ConfigError: as `McpServer.tools`.
    """
    async with contextlib.AsyncExitStack() as stack:
        tools: list[Tool] = []
        for source in sources:
            if isinstance(source, Tool):
                tools.append(source)
            else:
                stack.push_async_callback(source.aclose)
                tools += await source.tools()
        yield tuple(tools)
