"""An MCP server and its tools: a program of its own over stdio, or an address over streamable HTTP (the extra `mcp`).

The server is started once and serves all episodes. Its own task holds the connection, since that must end where it
began, and calls may come from any. A program gets none of our environment but PATH, HOME and the like, so no key of a
model. Source: https://modelcontextprotocol.io, the Python SDK 2.x (`mcp.Client`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from banchu.agents.tools.mcp_content import read_result, tool_of
from banchu.agents.tools.tool import BadArguments, Tool, ToolFailed, ToolLimits
from banchu.core.errors import ConfigError, ToolError, unknown

# The SDK logs what is no message with a traceback; where nobody has set up logging that would go to the terminal.
logging.getLogger("mcp").addHandler(logging.NullHandler())
_PAGES: Final = 100
_CLOSING_S: Final = 10.0
_LAST_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class McpOptions:
    """What may be said of a server beside where it is."""

    only: tuple[str, ...] = ()
    """Tools of it to take, by its names; (): all."""
    prefix: str = ""
    """Before the names of its tools."""
    oracle: bool = False
    stateless: bool = False
    """Of all of its tools; see `Tool`."""
    limits: ToolLimits = field(default_factory=ToolLimits)
    env: Mapping[str, str] = field(default_factory=dict)
    """Of a program, beside PATH, HOME and the like."""
    cwd: str = ""
    """Of a program; "": ours."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request over HTTP; never shown."""
    start_s: float = 60.0
    """For starting and listing its tools; a program may first have to be installed."""


class McpServer:
    """One server. Use it from one event loop.

    Args:
        where: the program and its arguments, or an address that begins with http.

    Raises:
        ConfigError: the package `mcp` is missing.
    """

    def __init__(self, where: Sequence[str] | str, options: McpOptions | None = None) -> None:
        if importlib.util.find_spec("mcp") is None:
            raise ConfigError("an MCP server needs the package mcp; pip install 'banchu[mcp]'")
        self._where = where if isinstance(where, str) else tuple(where)
        self._options = options or McpOptions()
        self._owner: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._client: Any = None
        self._why = ""
        self._said: IO[bytes] | None = None
        """Its standard error."""

    @property
    def name(self) -> str:
        """How the user wrote it, without headers, and without a name and password in an address."""
        if isinstance(self._where, tuple):
            return " ".join(self._where)
        scheme, _, rest = self._where.partition("://")
        authority, slash, path = rest.partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"

    async def tools(self) -> list[Tool]:
        """Its tools. Starts the server if it is not running.

        Raises:
            ToolError: it cannot be started, or does not answer.
            ConfigError: it has no tools, or none of a name in `only`.
        """
        await self._start()
        try:
            async with asyncio.timeout(self._options.start_s):
                told = await self._listed()
        except TimeoutError:
            raise ToolError(f"{self._title} lists no tools within {self._options.start_s:g} s") from None
        except Exception as error:  # noqa: BLE001  # the SDK's, the transport's or the server's
            raise self._failed(error) from None
        if not told:
            raise ConfigError(f"{self._title} offers no tools; leave it out, or see how it is to be started")
        names = [each.name for each in told]
        for name in self._options.only:
            if name not in names:
                raise unknown(f"tool of {self._title}", name, names)
        info = self._client.server_info
        version = f"mcp {info.name} {info.version}" if info else "mcp"
        options = self._options
        said = (options.prefix, options.limits, version, options.oracle, options.stateless)
        return [
            tool_of(each, partial(self._call, each.name), *said)
            for each in told
            if not options.only or each.name in options.only
        ]

    async def aclose(self) -> None:
        """End the connection, and the program. Idempotent."""
        owner, connected = self._owner, self._client is not None
        self._owner = self._client = None
        self._ended.set()
        if owner is not None:
            if connected:
                await asyncio.wait({owner}, timeout=_CLOSING_S)
            owner.cancel()  # of no effect where it has ended
            await asyncio.wait({owner}, timeout=_CLOSING_S)
        if self._said is not None:
            self._said.close()
            self._said = None

    @property
    def _title(self) -> str:
        return f"MCP server {self.name!r}"

    async def _start(self) -> None:
        if self._owner is not None:
            return
        self._ended = asyncio.Event()
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(ready))
        try:
            async with asyncio.timeout(self._options.start_s):
                self._client = await asyncio.shield(ready)
        except TimeoutError:
            error: BaseException = ToolError(f"{self._title} does not answer within {self._options.start_s:g} s")
        except Exception as raised:  # noqa: BLE001  # as above
            error = self._failed(raised)
        except BaseException as raised:  # noqa: BLE001  # cancelled; raised again below
            error = raised
        else:
            return
        await self.aclose()
        raise error from None

    async def _own(self, ready: asyncio.Future[Any]) -> None:
        """Hold the connection from its beginning to its end."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                client = await stack.enter_async_context(await self._connected(stack))
                if not ready.done():
                    ready.set_result(client)
                await self._ended.wait()
        except Exception as error:  # noqa: BLE001  # as above
            self._why = _innermost(error)
            if not ready.done():
                ready.set_exception(error)
                ready.exception()  # whoever waited may have gone

    async def _connected(self, stack: contextlib.AsyncExitStack) -> Any:
        from mcp import Client, StdioServerParameters, stdio_client

        if isinstance(self._where, tuple):
            self._said = tempfile.TemporaryFile()  # noqa: SIM115  # read when the server has died
            parameters = StdioServerParameters(
                command=self._where[0],
                args=list(self._where[1:]),
                env=dict(self._options.env),
                cwd=Path(self._options.cwd) if self._options.cwd else None,
            )
            errlog = stack.enter_context(os.fdopen(os.dup(self._said.fileno()), "w"))
            return Client(stdio_client(parameters, errlog), cache=None)
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        # The SDK's own client waits 5 minutes for an answer, as this one does, and takes no headers.
        timeout = httpx2.Timeout(30.0, read=300.0)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=dict(self._options.headers), timeout=timeout))
        return Client(streamable_http_client(self._where, http_client=http), cache=None)

    async def _listed(self) -> list[Any]:
        found: list[Any] = []
        cursor = None
        for _ in range(_PAGES):
            page = await self._client.list_tools(cursor=cursor)
            found += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        return found

    async def _call(self, name: str, arguments: dict[str, Any]) -> str:
        """Raises ToolError, BadArguments, ToolFailed."""
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS

        client = self._client
        if client is None or self._owner is None or self._owner.done():
            raise ToolError(f"{self._title} is not running{self._last_words()}")
        try:
            result = await client.call_tool(name, arguments)
        except MCPError as error:
            if error.code == INVALID_PARAMS:
                raise BadArguments(error.message) from None
            if error.code == CONNECTION_CLOSED or self._owner.done():
                raise self._failed(error) from None
            raise ToolFailed(error.message) from None
        except Exception as error:  # noqa: BLE001  # the SDK's or the transport's
            raise self._failed(error) from None
        return read_result(result)

    def _failed(self, error: BaseException) -> ToolError:
        return ToolError(f"{self._title} failed: {_innermost(error)}{self._last_words()}")

    def _last_words(self) -> str:
        if self._said is None:
            return ""
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - _LAST_WORDS))
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        last = " ".join(" ".join(line for line in lines if line.strip()).split())
        return f"; it said: ...{last}" if last else ""


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"there is no program {error.filename!r} here"
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
