"""The candidate: a fork of the server that gives up every right, takes the program, and answers calls to it."""

from __future__ import annotations

import contextlib
import linecache
import os
import random
import resource
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from banchu.sandbox.cell import kernel, landlock, seccomp
from banchu.sandbox.cell.failure import describe
from banchu.sandbox.wire.codec import decode, dumps, encode, loads
from banchu.sandbox.wire.frames import MAX_FRAME, read_frame, write_frame

CHANNEL = 3
FILE_NAME = "<candidate>"
OUT_OF_MEMORY = 71
"""Exit code of a candidate that had no memory left even to say so."""
_MODULE_NAME = "candidate"
_MAX_FILES = 64
_STACK_BYTES = 64 * 2**20
"""More than the usual 8 MiB, for programs that raise the recursion limit."""


@dataclass(frozen=True)
class Confinement:
    """What the server prepared for all candidates."""

    filter: seccomp.Program
    base_bytes: int
    """Address space of the server itself."""
    max_tasks: int
    scratch: str
    drop: Callable[[], None]
    """Gives up the rights that the server still has."""


def become(
    confinement: Confinement, ruleset: landlock.Ruleset | None, order: dict[str, Any], channel: int, output: int
) -> NoReturn:
    """Turn this fork into a candidate and answer until the tests hang up. Never returns into the server."""
    try:
        os.setsid()
        if ruleset is not None:
            ruleset.put_on()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(channel, CHANNEL)  # from here on this process's files are the candidate's
        os.closerange(CHANNEL + 1, 2**30)
        _limit(confinement, order["limits"])
        os.chdir(confinement.scratch)
        confinement.drop()
        kernel.install_filter(confinement.filter.address)
        random.seed(order["seed"])  # the module seeds itself anew in every fork
        write_frame(CHANNEL, b"ready")
        _answer()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    finally:
        os._exit(70)


def _limit(confinement: Confinement, limits: dict[str, Any]) -> None:
    file_bytes = limits["file_mib"] * 2**20
    cpu_s = -int(-limits["cpu_s"] // 1)
    for kind, most in (
        (resource.RLIMIT_AS, confinement.base_bytes + limits["memory_mib"] * 2**20),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_NPROC, confinement.max_tasks),
        (resource.RLIMIT_STACK, _STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _soft, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


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
        linecache.cache[FILE_NAME] = (len(self.source), None, self.source.splitlines(keepends=True), FILE_NAME)
        exec(compile(self.source, FILE_NAME, "exec"), self.module.__dict__)


class Answering:
    """Answers requests. Each answer carries its request's id, so that none can be given in advance."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self._function: Callable[..., object] | None = None
        self._source = ""

    def define(self, program: Program, entry_point: str) -> bytes:
        self._source = program.source
        try:
            program.load()
            if not hasattr(program.module, entry_point):
                raise NameError(f"the program defines no {entry_point!r}")
            self._function = getattr(program.module, entry_point)
        except BaseException as error:  # noqa: BLE001  # the boundary: anything a candidate raises is its answer
            return self._failure(error)
        return self._reply("value", None)

    def call(self, arguments: list[Any]) -> bytes:
        try:
            assert self._function is not None
            positional, named = decode(arguments[0]), decode(arguments[1])
            value = encode(self._function(*positional, **named))
        except BaseException as error:  # noqa: BLE001  # as above
            return self._failure(error)
        return self._reply("value", value)

    def _reply(self, kind: str, body: object) -> bytes:
        reply = dumps([self.request_id, kind, body])
        return reply if len(reply) <= MAX_FRAME else dumps([self.request_id, "too_large", len(reply)])

    def _failure(self, error: BaseException) -> bytes:
        _flush()
        return dumps([self.request_id, "error", describe(error, FILE_NAME, self._source)])


def _answer() -> None:
    answering = Answering("")
    while (frame := read_frame(CHANNEL)) is not None:
        answering.request_id, kind, *body = loads(frame)
        reply = answering.define(Program(body[0]), body[1]) if kind == "define" else answering.call(body)
        _flush()
        write_frame(CHANNEL, reply)
    os._exit(0)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # The stream may be the candidate's own object, or full.
        with contextlib.suppress(BaseException):
            stream.flush()
