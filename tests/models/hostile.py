"""A server over real sockets that says what a test tells it to, right or wrong; and a client that asks it once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from banchu.core.chat import Completion, Message, Request, Sampling
from banchu.models.openai_api import OpenAIModel

KEY = "sk-very-secret-0123456789"
CHAT = Request((Message("user", "hello"),), Sampling(max_tokens=5))
GOOD = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine"}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def reply(status: int, body: Any, *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def refusal(status: int, message: str, *headers: str) -> bytes:
    return reply(status, {"error": {"message": message, "type": "t", "param": None, "code": None}}, *headers)


class Hostile:
    """Gives the replies in order, the last one for ever, and keeps what was asked."""

    def __init__(self, replies: list[bytes]) -> None:
        self._replies = replies
        self.asked: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.url = ""
        self.talks: set[asyncio.Task[Any]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if talk := asyncio.current_task():
            self.talks.add(talk)
        # A client may go without having asked, or without waiting for the end.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            self.heads.append(head)
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            self.asked.append(json.loads(await reader.readexactly(length)))
            writer.write(self._replies[min(len(self.asked), len(self._replies)) - 1])
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def hostile(*replies: bytes) -> AsyncIterator[Hostile]:
    server = Hostile(list(replies))
    listening = await asyncio.start_server(server.converse, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
        await asyncio.gather(*server.talks)


async def ask(url: str, request: Request = CHAT, **options: Any) -> Completion:
    model = OpenAIModel("m", base_url=url, **{"max_retries": 1, **options})
    try:
        return await model.complete(request)
    finally:
        await model.aclose()
