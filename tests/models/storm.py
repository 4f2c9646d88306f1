"""An endpoint with a true rate limit that also does everything wrong, on loopback only: for tests and measurements.

It refuses what comes faster than its limit (429: with seconds, milliseconds, a date, or nothing to wait for), fails
(500, 503), stalls, closes connections before and within an answer, sends JSON that was cut, and sends answers twice, at
once and a little later. It counts, for each distinct request, how often an answer was handed over whole: GET /counts.

Every answer holds a digest of its request, so that one that reaches another request shows. Prints `serving on 127.0.0.1
port N`, and ends when its standard input does. Standard library only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email.utils
import hashlib
import itertools
import json
import os
import random
import threading
import time
from collections import Counter, deque
from typing import Any

FAULTS = ("500", "503", "stall", "close", "cut", "broken JSON", "twice", "twice, late")
"""What may happen to a request that was let in; one after the other, so that each is met."""


def digest(body: dict[str, Any]) -> str:
    """Names a request by what is asked; also in every answer."""
    asked = [body.get("messages"), body.get("prompt"), body.get("seed")]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


class Limit:
    """A token bucket that is full at the start."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s, self._burst = per_s, burst
        self._level, self._at = burst, time.monotonic()

    def wait_s(self) -> float:
        """0: let in, and counted; else until the next would be."""
        now = time.monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self.per_s)
        self._at = now
        if self._level < 1:
            return (1 - self._level) / self.per_s
        self._level -= 1
        return 0.0


class Storm:
    """The server, and its counts."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._limit = Limit(options.rate, options.burst) if options.rate else None
        self._latency_s = options.latency
        self._faults = options.faults
        self._only = options.only
        self._in_turn = itertools.cycle(FAULTS)
        self._told = options.headers
        self._random = random.Random(options.seed)
        self._numbers = itertools.count(1)
        self._refusals = itertools.count()
        self.kinds: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()
        self.worked: Counter[str] = Counter()
        self._let_in: deque[float] = deque()
        self._most_in_a_second = 0
        self._last = 0.0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0] or 0)
                content = await reader.readexactly(length)
                close = "connection: close" in head.lower()
                if head.startswith("GET"):
                    writer.write(_reply(200, self.counts(), close=True))
                    close = True
                else:
                    close = not await self._answer(json.loads(content), reader, writer, close) or close
                await writer.drain()
                if close:
                    break
        writer.close()

    def counts(self) -> dict[str, Any]:
        return {
            "kinds": dict(self.kinds),
            "let_in": sum(self.kinds[kind] for kind in ("good", *FAULTS)),
            "asked": len(self.worked),
            "delivered": len(self.delivered),
            "delivered_twice": sum(count > 1 for count in self.delivered.values()),
            "worked_twice": sum(count > 1 for count in self.worked.values()),
            "most_in_a_second": self._most_in_a_second,
            "until_95_s": self._until(0.95),
            "wall_s": self._last - self._let_in[0] if self._let_in else 0.0,
        }

    def _until(self, share: float) -> float:
        """Seconds until so many of the requests had been let in; then comes a tail, with little left to ask."""
        return self._let_in[int(share * (len(self._let_in) - 1))] - self._let_in[0] if self._let_in else 0.0

    async def _answer(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, close: bool
    ) -> bool:
        """False: the connection is to be closed."""
        if self._limit and (wait_s := self._limit.wait_s()):
            self.kinds["429"] += 1
            writer.write(_reply(429, _error("slow down"), *self._asks_to_wait(wait_s), close=close))
            return True
        self._note()
        fault = "good"
        if self._random.random() < self._faults:
            fault = self._only or next(self._in_turn)
        self.kinds[fault] += 1
        if fault in ("500", "503"):
            writer.write(
                _reply(int(fault), _error("oops"), *(["Retry-After: 1"] if fault == "503" else []), close=close)
            )
            return True
        if fault == "stall":
            await reader.read()  # until the client goes
            return False
        name = digest(body)
        self.worked[name] += 1
        await asyncio.sleep(self._latency_s * self._random.lognormvariate(0, 0.5))
        whole = _reply(200, _completion(next(self._numbers), name, "messages" in body), *self._headers(), close=close)
        self._last = time.monotonic()
        if fault == "close":
            return False
        if fault == "cut":
            writer.write(whole[:-20])
            return False
        if fault == "broken JSON":
            writer.write(_reply(200, b'{"id": "1", "choices": [{"ind', close=close))
            return True
        writer.write(whole * 2 if fault == "twice" else whole)
        await writer.drain()
        self.delivered[name] += 1
        if fault == "twice, late":
            await asyncio.sleep(0.02)
            writer.write(whole)
        return True

    def _note(self) -> None:
        now = time.monotonic()
        self._let_in.append(now)
        recent = sum(1 for at in itertools.takewhile(lambda at: at > now - 1, reversed(self._let_in)))
        self._most_in_a_second = max(self._most_in_a_second, recent)

    def _asks_to_wait(self, wait_s: float) -> list[str]:
        date = [f"Date: {email.utils.formatdate(usegmt=True)}"]
        return [
            [f"retry-after-ms: {wait_s * 1000:.0f}"],
            ["Retry-After: 1"],
            [],
            [*date, f"Retry-After: {email.utils.formatdate(time.time() + 1, usegmt=True)}"],
        ][next(self._refusals) % 4]

    def _headers(self) -> list[str]:
        if not (self._told and self._limit):
            return []
        left = max(0.0, self._limit._level)
        reset_ms = 1000 * (self._limit._burst - left) / self._limit.per_s
        return [
            f"x-ratelimit-limit-requests: {self._limit._burst:.0f}",
            f"x-ratelimit-remaining-requests: {left:.0f}",
            f"x-ratelimit-reset-requests: {reset_ms:.0f}ms",
        ]


def _reply(status: int, body: Any, *headers: str, close: bool) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        f"Connection: {'close' if close else 'keep-alive'}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "t", "param": None, "code": None}}


def _completion(number: int, name: str, chat: bool) -> dict[str, Any]:
    text = f"```python\nANSWER_TO = '{name}'\n```\nVERDICT: incorrect"
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
    choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    usage = {"prompt_tokens": 200, "completion_tokens": 30, "total_tokens": 230}
    return {
        "id": f"c-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


async def serve(options: argparse.Namespace) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(loop, ended), daemon=True).start()
    listening = await asyncio.start_server(Storm(options).converse, "127.0.0.1", 0, backlog=1024)
    print(f"serving on 127.0.0.1 port {listening.sockets[0].getsockname()[1]}", flush=True)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), options.max_seconds)
    listening.close()


def _wait_for_end_of_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended on its own
        loop.call_soon_threadsafe(ended.set)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: as many as come")
    parser.add_argument("--burst", type=float, default=10.0, help="requests that a rested server takes at once")
    parser.add_argument("--latency", type=float, default=0.1, help="median seconds of an answer")
    parser.add_argument("--faults", type=float, default=0.0, help="share of the requests let in that goes wrong")
    parser.add_argument("--only", choices=FAULTS, help="of the things that may go wrong, this one")
    parser.add_argument("--headers", action="store_true", help="tell the limit in x-ratelimit headers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-seconds", type=float, default=600.0)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
