"""A thin OpenAI-compatible HTTP server around any banchu model, on loopback only: for tests, never for use.

Prints one line when it is ready, `serving on 127.0.0.1 port N`. Ends when its standard input does, so that it cannot
outlive the test that started it. Calls of tools in an answer's text it hands over natively, as llama.cpp's server does.
What it leaves out (streaming, `n`), it refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import http
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from banchu.core.chat import Completion, Message, Request, Sampling, Tool, ToolCall
from banchu.core.errors import BanchuError, ContextOverflow, ModelError
from banchu.core.tool_calls import find_calls
from banchu.models.local import LocalModel
from banchu.models.protocol import Model
from banchu.models.registry import ModelOptions, open_model

PATHS = {"/v1/chat/completions": True, "/v1/completions": False}
"""Every path, and whether it is a chat."""
LONGEST_BODY = 16 * 2**20


class Refusal(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": str(self), "type": kind, "param": None, "code": self.code}}


class Server:
    """One model behind one port."""

    def __init__(self, model: Model, name: str | None, api_key: str | None, log: Path | None) -> None:
        self._model = model
        self._name = name
        self._api_key = api_key
        self._log = log.open("a", encoding="utf-8") if log else None
        self._numbers = itertools.count(1)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other, until the client has had enough."""
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in head[1:])
                }
                close = headers.get("connection", "").lower() == "close"
                try:
                    body = await _read_body(reader, writer, headers)
                    status, answer = 200, await self._answer(head[0], headers, body)
                except Refusal as refusal:
                    status, answer = refusal.status, refusal.body()
                    close = close or status in {411, 413}  # its body lies unread in the stream
                writer.write(_response(status, answer, close))
                await writer.drain()
                if close:
                    break
        writer.close()

    async def _answer(self, start: str, headers: dict[str, str], content: bytes) -> dict[str, Any]:
        method, _, rest = start.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path not in PATHS:
            raise Refusal(404, f"unknown path {path}")
        if method != "POST":
            raise Refusal(405, f"{path} takes POST")
        said = headers.get("authorization", "")
        if self._api_key and not hmac.compare_digest(said.encode(), f"Bearer {self._api_key}".encode()):
            raise Refusal(401, "Incorrect API key provided.", "invalid_api_key")
        body = _parse(content)
        if self._name and body.get("model") != self._name:
            raise Refusal(404, f"The model {body.get('model')!r} does not exist.", "model_not_found")
        completion = await self._complete(_request(body, chat=PATHS[path]))
        if self._log:
            self._log.write(json.dumps(body) + "\n")
            self._log.flush()
        return _answer_body(next(self._numbers), str(body.get("model", "")), completion, chat=PATHS[path])

    async def _complete(self, request: Request) -> Completion:
        try:
            completion = await self._model.complete(request)
            return _natively(completion, request.tools) if request.tools else completion
        except ContextOverflow as error:
            message = f"This request exceeds the maximum context length: {error}"
            raise Refusal(400, message, "context_length_exceeded") from error
        except ModelError as error:
            # A script without a fitting row is the caller's mistake: retrying would only hide it for a minute.
            raise Refusal(500 if error.fatal or error.retryable else 422, str(error)) from error


async def _read_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        raise Refusal(411, "send a Content-Length")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LONGEST_BODY:
        raise Refusal(413, f"Content-Length {length} is not one of 0 to {LONGEST_BODY}")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(int(length))


def _response(status: int, answer: dict[str, Any], close: bool) -> bytes:
    content = json.dumps(answer).encode()
    head = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: {'close' if close else 'keep-alive'}\r\n\r\n"
    )
    return head.encode() + content


def _parse(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, "the body is not a JSON object")
    return body


def _request(body: dict[str, Any], *, chat: bool) -> Request:
    if body.get("stream") or body.get("n", 1) != 1:
        raise Refusal(400, "this server neither streams nor gives several choices")
    stop = body.get("stop") or ()
    try:
        prompt: str | tuple[Message, ...]
        prompt = tuple(_message(message) for message in body["messages"]) if chat else body["prompt"]
        if not prompt or not isinstance(prompt, str | tuple):
            raise ValueError("no messages, or a prompt that is not a text")
        sampling = Sampling(
            temperature=float(body.get("temperature", 1.0)),
            top_p=float(body.get("top_p", 1.0)),
            max_tokens=int(body.get("max_completion_tokens") or body.get("max_tokens") or 512),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=int(body.get("seed") or 0),
        )
        tools = tuple(_tool(tool["function"]) for tool in body.get("tools", ()))
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(400, f"malformed request: {type(error).__name__}: {error}") from error
    return Request(prompt, sampling, tools=tools)


def _message(message: dict[str, Any]) -> Message:
    calls = tuple(
        ToolCall(call["function"]["name"], call["function"]["arguments"], call["id"])
        for call in message.get("tool_calls", ())
    )
    return Message(message["role"], message["content"] or "", calls, message.get("tool_call_id", ""))


def _tool(function: dict[str, Any]) -> Tool:
    return Tool(function["name"], function["description"], json.dumps(function["parameters"]))


def _natively(completion: Completion, tools: Sequence[Tool]) -> Completion:
    if completion.tool_calls:
        return completion
    found = find_calls(completion.text, tools)
    calls = tuple(ToolCall(c.name, c.arguments, f"call_{n}") for n, c in enumerate(found.calls))
    return replace(completion, text=found.text if calls else completion.text, tool_calls=calls)


def _answer_body(number: int, name: str, completion: Completion, *, chat: bool) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": completion.finish_reason, "logprobs": None}
    if chat:
        choice["message"] = {"role": "assistant", "content": completion.text}
        if completion.tool_calls:
            choice["finish_reason"] = "tool_calls"
            choice["message"]["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in completion.tool_calls
            ]
    else:
        choice["text"] = completion.text
    usage = completion.usage
    return {
        "id": f"{'chatcmpl' if chat else 'cmpl'}-{number}",
        "object": "chat.completion" if chat else "text_completion",
        "created": int(time.time()),
        "model": name,
        "choices": [choice],
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        },
    }


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until standard input ends, a signal comes or the time is up."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    threading.Thread(target=_wait_for_end_of_input, args=(loop, ended), daemon=True).start()
    model = open_model(arguments.model, ModelOptions(workers=arguments.workers))
    try:
        if isinstance(model, LocalModel):
            await model.start()
        server = Server(model, arguments.name, arguments.api_key, arguments.log)
        listening = await asyncio.start_server(server.converse, "127.0.0.1", arguments.port, backlog=1024)
        print(f"serving on 127.0.0.1 port {listening.sockets[0].getsockname()[1]}", flush=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), arguments.max_seconds)
        listening.close()
    finally:
        await model.aclose()


def _wait_for_end_of_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    # Not sys.stdin: a thread inside a buffered read aborts the interpreter's shutdown.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended on its own
        loop.call_soon_threadsafe(ended.set)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="smollm2, scripted:FILE.jsonl or hf:PATH")
    parser.add_argument("--workers", type=int, help="processes of a local model; without it, one a core")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", help="the only model name that is known; without it, any is")
    parser.add_argument("--api-key", help="without it, none is asked for")
    parser.add_argument("--log", type=Path, help="gets each request's body when it is answered, one a line")
    parser.add_argument("--max-seconds", type=float, default=600.0)
    try:
        asyncio.run(serve(parser.parse_args()))
    except BanchuError as error:
        sys.exit(f"serve.py: {error}")


if __name__ == "__main__":
    main()
