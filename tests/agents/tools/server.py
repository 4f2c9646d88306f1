"""A small MCP server of our own: `python server.py` over stdio, `python server.py http` over streamable HTTP.

Over HTTP it says on its standard output which port it serves on, and it takes only requests with the header that it is
told of. `sick` writes to standard error and ends; `mute` never answers; `empty` has no tools; `chatty` is no server.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("small", version="1.2")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="shout.at")
def shout(text: str, times: int = 1) -> str:
    """Say it louder."""
    return " ".join([text.upper()] * times)


@server.tool()
def refuse(why: str) -> str:
    """Never works."""
    raise ToolError(why)


@server.tool()
def picture() -> Any:
    """A picture and a word."""
    return [Image(data=b"\x89PNG", format="png"), "seen"]


@server.tool()
async def sleep(seconds: float) -> str:
    """Sleep."""
    await asyncio.sleep(seconds)
    return "slept"


@server.tool()
def environment(name: str) -> str:
    """One of its variables."""
    return os.environ.get(name, "(not set)")


@server.tool()
def where() -> str:
    """Its folder."""
    return os.getcwd()  # noqa: PTH109


@server.tool()
def die() -> str:
    """Ends the server."""
    print("out of cheese", file=sys.stderr, flush=True)
    os._exit(3)


def guarded(app: Any, key: str) -> Callable[..., Any]:
    """The app, for those who know the key."""

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"x-key") != key.encode():
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"who are you?"})
        else:
            await app(scope, receive, send)

    return guard


def serve_http() -> None:
    import socket

    import uvicorn

    # With its protocol named, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    bound.listen(16)  # before anybody is told of it
    print(bound.getsockname()[1], flush=True)
    config = uvicorn.Config(guarded(server.streamable_http_app(), "open"), log_level="error")
    uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["http"]:
            serve_http()
        case ["sick"]:
            sys.exit("no key was given")
        case ["mute"]:
            sys.stdin.read()
        case ["empty"]:
            MCPServer("empty").run()
        case ["chatty"]:
            print("Welcome!")  # to where only messages belong
        case _:
            server.run()
