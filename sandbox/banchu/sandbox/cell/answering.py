"""What a candidate does once its rights are gone: it takes the program, and answers calls to it.

Two requests: `program` (source, entry point, calls that are known already) is answered for all of them at once;
`call` is one more call. Each answer carries its request's id, so that none can be given in advance.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

from banchu.sandbox.cell.failure import describe
from banchu.sandbox.wire.codec import decode, dumps, encode, keep_objects, loads
from banchu.sandbox.wire.frames import MAX_FRAME, read_frame, write_frame

FILE_NAME = "<candidate>"
_MODULE_NAME = "candidate"

Answer = tuple[str, Any]
"""`value` and what was returned, or `error` and what was raised."""


class Program:
    """A candidate's source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.module = types.ModuleType(_MODULE_NAME)
        self.module.__file__ = FILE_NAME

    def load(self) -> None:
        """Run the source as a module. Raises whatever it raises."""
        # dataclasses and typing look their module up by name, tracebacks and inspect the source by file.
        sys.modules[_MODULE_NAME] = self.module
        linecache.cache[FILE_NAME] = (lambda: self.source,)  # split when it is asked for
        exec(compile(self.source, FILE_NAME, "exec"), self.module.__dict__)


class Answering:
    """One program and the calls to it."""

    def __init__(self) -> None:
        self._function: Callable[..., object] | None = None
        self._module: types.ModuleType | None = None
        self._source = ""
        self._kept = keep_objects()

    def reply(self, request: bytes) -> bytes:
        """The answer to one request. Raises Unreadable, which no request of the judge's causes."""
        request_id, kind, *body = loads(request)
        match kind:
            case "program":
                answers = self.program(*body)
            case "call":
                answers = [self.call(body)]
            case _:
                answers = [self.on_object(kind, *body)]
        flush()
        reply = dumps([request_id, answers])
        return reply if len(reply) <= MAX_FRAME else dumps([request_id, [["too_large", len(reply)]]])

    def program(self, source: str, entry_point: str, calls: list[list[Any]]) -> list[Answer]:
        """How the module loaded, then each call's answer; no calls where it did not load."""
        loaded = self._define(Program(source), entry_point)
        return [loaded, *map(self.call, calls)] if loaded[0] == "value" else [loaded]

    def call(self, arguments: list[Any]) -> Answer:
        """`arguments` are positional and named ones, encoded."""
        try:
            assert self._function is not None
            positional, named = decode(arguments[0], self._take), decode(arguments[1], self._take)
            return "value", encode(self._function(*positional, **named))
        except BaseException as error:  # noqa: BLE001  # the boundary: anything a candidate raises is its answer
            return self._failure(error)

    def on_object(self, what: str, target: Any, *arguments: Any) -> Answer:
        """What tests do with an object that stays here: `name` it, `call` it, `get` and `set` its attributes."""
        try:
            values = [decode(argument, self._take) for argument in arguments]
            match what:
                case "name":
                    return "value", encode(getattr(self._module, target))
                case "invoke":
                    return "value", encode(self._take("", target)(*values[0], **values[1]))
                case "get":
                    return "value", encode(getattr(self._take("", target), values[0]))
            setattr(self._take("", target), *values)
        except BaseException as error:  # noqa: BLE001  # as above
            return self._failure(error)
        return "value", None

    def _take(self, _type_name: str, number: int) -> Any:
        return self._kept[number]

    def _define(self, program: Program, entry_point: str) -> Answer:
        self._source, self._module = program.source, program.module
        try:
            program.load()
            if not hasattr(program.module, entry_point):
                raise NameError(f"the program defines no {entry_point!r}")
            self._function = getattr(program.module, entry_point)
        except BaseException as error:  # noqa: BLE001  # as above
            return self._failure(error)
        return "value", None

    def _failure(self, error: BaseException) -> Answer:
        return "error", describe(error, FILE_NAME, self._source)


def answer(channel: int) -> NoReturn:
    """Until the tests hang up."""
    answering = Answering()
    while (frame := read_frame(channel)) is not None:
        write_frame(channel, answering.reply(frame))
    os._exit(0)


def flush() -> None:
    """Let out what the candidate printed."""
    for stream in (sys.stdout, sys.stderr):
        # The stream may be the candidate's own object, or full.
        with contextlib.suppress(BaseException):
            stream.flush()
