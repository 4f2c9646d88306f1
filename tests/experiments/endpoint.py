"""The lab's fickle fake behind an OpenAI-compatible server on loopback, which keeps each request byte for byte.

For tests, never for use. Answers follow from what is in the request alone: who asks is read from the messages, since a
role is never sent. That is what a server could do that wants to know whether anything sealed reached it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from banchu.agents import prompts
from banchu.core.chat import CallRole, Completion, Message, Request, Sampling
from banchu.models.embedding.hashed import HashedEmbedder
from banchu.models.protocol import Model

SYSTEMS: dict[str, CallRole] = {
    prompts.render(f"{role}_system"): role for role in ("actor", "critic", "reflector", "tester")
}
REVIEWS = {prompts.render(f"critic_{valence}") for valence in ("neutral", "leading", "presupposing")}
"""What a review in turns is asked with, in a conversation that the actor began."""


class Endpoint:
    """A server with one model, and everything that came over the wire."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.url = ""
        self.seen: Counter[bytes] = Counter()
        """Whole requests as they came, request line and headers too, and how often each."""

    @property
    def bodies(self) -> Counter[bytes]:
        """What they carried."""
        found: Counter[bytes] = Counter()
        for request, times in self.seen.items():
            found[request.partition(b"\r\n\r\n")[2]] += times
        return found

    def taken(self) -> tuple[Counter[bytes], Counter[bytes]]:
        """Whole requests and bodies since the last time."""
        found = self.seen, self.bodies
        self.seen = Counter()
        return found

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer: banchu's client has a connection for each."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            body = await reader.readexactly(int(fields[b"content-length"]))
            self.seen[head + body] += 1
            asked = json.loads(body)
            if b"/embeddings " in head.split(b"\r\n")[0]:
                told = await _embedded(asked)
            else:
                told = _answer(asked, await self._model.complete(_request(asked)))
            writer.write(_response(told))
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def serving(model: Model) -> AsyncIterator[Endpoint]:
    """An endpoint with an address, as long as the context lasts."""
    endpoint = Endpoint(model)
    server = await asyncio.start_server(endpoint.converse, "127.0.0.1", 0, backlog=1024)
    async with server:
        endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield endpoint


def _role(system: str) -> CallRole:
    """Behind it may stand tools on offer."""
    return next(role for text, role in SYSTEMS.items() if system.startswith(text))


def _request(body: dict[str, Any]) -> Request:
    messages = tuple(Message(said["role"], said["content"]) for said in body["messages"])
    role = "critic" if messages[-1].content in REVIEWS else _role(messages[0].content)
    return Request(messages, Sampling(max_tokens=body["max_tokens"], seed=body["seed"]), role)


def _answer(asked: dict[str, Any], completion: Completion) -> dict[str, Any]:
    message = {"role": "assistant", "content": completion.text}
    usage = completion.usage
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": completion.finish_reason}],
        "usage": {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens},
    }


async def _embedded(asked: dict[str, Any]) -> dict[str, Any]:
    rows = await HashedEmbedder().embed(asked["input"])
    data = [{"index": at, "embedding": [float(x) for x in row]} for at, row in enumerate(rows)]
    tokens = sum(len(text.split()) for text in asked["input"])
    return {"object": "list", "model": asked["model"], "data": data, "usage": {"total_tokens": tokens}}


def _response(answer: dict[str, Any]) -> bytes:
    content = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + content
