"""What a candidate does once its rights are gone: it takes the program, and answers calls to it.

`program` (source, entry point, calls that are known already) is answered for all of them at once; `call` is one more
call; the others are about objects that stay here. Each answer carries its request's id, so that none can be given in
advance.
"""

from __future__ import annotations

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


class Answering:
    """One program and the calls to it. Few functions, for each one that a candidate enters costs it some pages."""

    def __init__(self) -> None:
        self.last = False
        """Whether no further request will come."""
        self._function: Callable[..., object] | None = None
        self._module = types.ModuleType(_MODULE_NAME)
        self._source = ""
        self._kept = keep_objects()

    def reply(self, request: bytes) -> bytes:
        """The answer to one request. Raises Unreadable, which no request of the judge's causes."""
        request_id, kind, *body = loads(request)
        match kind:
            case "program":
                answers = self.program(*body)
            case "call":
                positional, named = body
                answers = [self.call(positional, named, plain=False)]
            case _:
                answers = [self.on_object(kind, *body)]
        flush()
        reply = dumps([request_id, answers])
        return reply if len(reply) <= MAX_FRAME else dumps([request_id, [["too_large", len(reply)]]])

    def program(
        self, source: str, entry_point: str, calls: list[tuple[Any, Any]], plain: bool, last: bool
    ) -> list[Answer]:
        """How the module loaded, then each call's answer; no calls where it did not load.

        `plain`: arguments are no tagged data but themselves. `last`: these calls are all.
        """
        self._source, self.last = source, last
        module = self._module
        module.__file__ = FILE_NAME
        try:
            # dataclasses and typing look their module up by name, tracebacks and inspect the source by file.
            sys.modules[_MODULE_NAME] = module
            linecache.cache[FILE_NAME] = (len(source), None, source.splitlines(keepends=True), FILE_NAME)
            exec(compile(source, FILE_NAME, "exec"), module.__dict__)
            if not hasattr(module, entry_point):
                raise NameError(f"the program defines no {entry_point!r}")
            self._function = getattr(module, entry_point)
        except BaseException as error:  # noqa: BLE001  # the boundary: anything a candidate raises is its answer
            return [self._failure(error)]
        return [("value", None), *[self.call(*arguments, plain) for arguments in calls]]

    def call(self, positional: Any, named: Any, plain: bool) -> Answer:
        """One call's answer; its arguments are tagged data unless they are `plain`."""
        try:
            assert self._function is not None
            if not plain:
                positional, named = decode(positional, self._take), decode(named, self._take)
            return "value", encode(self._function(*positional, **named))
        except BaseException as error:  # noqa: BLE001  # as above
            return self._failure(error)

    def on_object(self, what: str, target: Any, *arguments: Any) -> Answer:
        """What tests do with an object that stays here: `name` it, `invoke` it, `get` and `set` its attributes."""
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

    def _failure(self, error: BaseException) -> Answer:
        return "error", describe(error, FILE_NAME, self._source)


def answer(channel: int) -> NoReturn:
    """Until the tests hang up, or have no more to ask."""
    answering = Answering()
    while (frame := read_frame(channel)) is not None:
        write_frame(channel, answering.reply(frame))
        if answering.last:
            break
    os._exit(0)


def flush() -> None:
    """Let out what the candidate printed."""
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105  # one context manager less
            stream.flush()
        except BaseException:  # noqa: BLE001  # the stream may be the candidate's own object, or full
            pass
