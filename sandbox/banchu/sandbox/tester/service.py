"""The tester's loop: takes sealed tests and a program from the app, and reports how the tests went."""

from __future__ import annotations

import fcntl
import functools
import importlib
import itertools
import json
import os
import random
import resource
import socket
import sys
from typing import Any, NoReturn

from banchu.sandbox.tester.asserts import RECORDER, compile_check
from banchu.sandbox.tester.plan import plan
from banchu.sandbox.tester.recorder import Recorder, said
from banchu.sandbox.tester.remote import Planned, Remote, Uncrossable, crossing, is_plain, text
from banchu.sandbox.wire.frames import receive_with_fds, send_with_fds

_MEMORY_BYTES = 2 * 2**30
"""Enough to decode the largest answer; a candidate's numbers must not fill the machine through the tests."""


def main(fd: int) -> NoReturn:
    """Serve until the app hangs up."""
    control = socket.socket(fileno=fd)
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES if hard == -1 else min(_MEMORY_BYTES, hard), hard))
    if receive_with_fds(control) is None:
        os._exit(0)
    _end_with_app()
    send_with_fds(control, json.dumps({"op": "ready"}).encode())
    while (message := receive_with_fds(control)) is not None:
        payload, fds = message
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fds[0]) as channel:
            report = run_or_tell(_with_tests(json.loads(payload)), channel)
        send_with_fds(control, json.dumps(report).encode())
    os._exit(0)


def _end_with_app() -> None:
    """Have the kernel end this process (SIGIO) when the app is gone, whose end of our standard input then closes.

    Tests may be at work for ever by then, in a loop of C that looks at nothing. Not the line to the app, on which the
    kernel signals messages as well.
    """
    watched = os.dup(0)
    fcntl.fcntl(watched, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(watched, fcntl.F_SETFL, fcntl.fcntl(watched, fcntl.F_GETFL) | os.O_ASYNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # for tests that read
    os.close(nothing)


_known: dict[int, dict[str, Any]] = {}
"""Tests by the number that the app gave them."""


def _with_tests(job: dict[str, Any]) -> dict[str, Any]:
    """A job in full: tests come with it once."""
    number = job["suite"]
    if "tests" in job:
        if number == 0:
            _known.clear()
        _known[number] = job["tests"]
    return job | _known[number]


def run_or_tell(job: dict[str, Any], channel: socket.socket) -> dict[str, Any]:
    """As `run`; `failed` says that the tester itself did."""
    try:
        return run(job, channel)
    except Exception as error:  # noqa: BLE001  # the boundary: a bug here is not the candidate's doing
        return {"failed": said(error)}


def run(job: dict[str, Any], channel: socket.socket) -> dict[str, Any]:
    """The report on one candidate: counts, and the first failure, or None when the check did not raise.

    `broken` says that the tests themselves cannot run; `incomplete` that only judging call by call (`stepwise`) can
    tell which call failed.
    """
    entry_point = job["entry_point"]
    try:
        tests = _prepared(job["check"], job["context"], entry_point)
    except (SyntaxError, ValueError, RecursionError) as error:
        return {"broken": said(error)}
    check = tests.check
    remote = Remote(channel)
    recorder = Recorder(check.sites, remote, entry_point)
    random.seed(job["seed"])
    try:
        remote.define(job["code"], entry_point, None if job["stepwise"] else tests.planned)
        tests.run(remote, recorder, entry_point, job["borrowed"])
    except Uncrossable as error:
        return {"broken": str(error)}
    except BaseException as error:  # noqa: BLE001  # the boundary: a check may raise anything, and that is its verdict
        if not (remote.calls or remote.raised or remote.lost or remote.borrowed):
            return {"broken": said(error)}
        # A check that catches exceptions raises its own AssertionError, which the recorder has seen coming.
        seen = not check.soft and recorder.failed and type(error) is AssertionError and not remote.failure_of(error)
        if not seen:
            recorder.note(error)
        return _report(recorder, recorder.failed[0 if check.soft else -1], remote)
    if remote.uncrossable:
        return {"broken": str(remote.uncrossable)}
    if remote.lost:  # and a bare `except:` of the tests hid it
        recorder.note(remote.lost)
        return _report(recorder, recorder.failed[-1], remote)
    return _report(recorder, recorder.failed[0] if check.soft and recorder.failed else None, remote)


def _report(recorder: Recorder, failure: dict[str, Any] | None, remote: Remote) -> dict[str, Any]:
    lost = remote.lost.kind if remote.lost else ""
    counts = {"passed": recorder.passed, "total": recorder.total}
    return {**counts, "failure": failure, "lost": lost, "incomplete": remote.incomplete, "last": remote.was_last}


class _Prepared:
    """Tests as they are run, made once."""

    def __init__(self, check: str, context: str, entry_point: str) -> None:
        """Raises SyntaxError, ValueError, RecursionError."""
        self.check = compile_check(check, entry_point)
        self._context = compile(context, "<context>", "exec")
        self.planned = _planned(check, context, entry_point)
        self._context_holds = False

    def run(self, remote: Remote, recorder: Recorder, entry_point: str, borrowed: list[str]) -> None:
        """Raises whatever the tests raise."""
        scope: dict[str, Any] = {"__name__": "__tests__", RECORDER: recorder}
        for name in borrowed:
            scope[name] = importlib.import_module(name) if name in sys.stdlib_module_names else remote.named(name)
        # A plan that uses nothing of the context needs it no more than once: to see that it can be run.
        if self.planned is None or self.planned.plan.needs_context or not self._context_holds:
            exec(self._context, scope)
            self._context_holds = True
        scope[entry_point] = remote  # a check may also call it by name
        exec(self.check.code, scope)
        scope["check"](remote)


def _planned(check: str, context: str, entry_point: str) -> Planned | None:
    made = plan(check, context, entry_point)
    if made is None:
        return None
    try:
        every = list(itertools.chain.from_iterable(made.calls))
        if all(is_plain(list(positional)) and is_plain(list(named.values())) for positional, named in every):
            return Planned(made, text([[list(positional), named] for positional, named in every]), plain=True)
        calls = [f"[{crossing(positional)},{crossing(named)}]" for positional, named in every]
    except Uncrossable:  # call by call it will be reported
        return None
    return Planned(made, f"[{','.join(calls)}]", plain=False)


@functools.lru_cache(maxsize=1024)
def _prepared(check: str, context: str, entry_point: str) -> _Prepared:
    return _Prepared(check, context, entry_point)
