"""The tester's loop: takes sealed tests and a program from the app, and reports how the tests went."""

from __future__ import annotations

import functools
import json
import os
import random
import resource
import socket
from typing import Any, NoReturn

from banchu.sandbox.tester.asserts import RECORDER, Check, compile_check
from banchu.sandbox.tester.recorder import Recorder
from banchu.sandbox.tester.remote import Lost, Remote, Uncrossable
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
    send_with_fds(control, json.dumps({"op": "ready"}).encode())
    while (message := receive_with_fds(control)) is not None:
        payload, fds = message
        with socket.socket(fileno=fds[0]) as channel:
            report = run(json.loads(payload), channel)
        send_with_fds(control, json.dumps(report).encode())
    os._exit(0)


def run(job: dict[str, Any], channel: socket.socket) -> dict[str, Any]:
    """The report on one candidate: counts, and the first failure, or None when the check did not raise.

    `broken` says that the tests themselves cannot run, `unready` that the candidate's process never came up: then
    nothing is known of the candidate.
    """
    entry_point = job["entry_point"]
    try:
        check = _compiled(job["check"], entry_point)
        context = _compiled_context(job["context"])
    except (SyntaxError, ValueError, RecursionError) as error:
        return {"broken": f"{type(error).__name__}: {error}"}
    remote = Remote(channel)
    recorder = Recorder(check.sites, remote, entry_point)
    try:
        if not remote.wait_until_ready():
            return {"unready": True, "lost": "gone"}
    except Lost:
        return {"unready": True, "lost": "gone"}
    random.seed(job["seed"])
    try:
        remote.define(job["code"], entry_point)
        _run_check(check, context, remote, recorder, entry_point)
    except Uncrossable as error:
        return {"broken": str(error)}
    except BaseException as error:  # noqa: BLE001  # the boundary: a check may raise anything, and that is its verdict
        if not (remote.calls or remote.raised or remote.lost):
            return {"broken": f"{type(error).__name__}: {error}"[:500]}
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


def _run_check(check: Check, context: Any, remote: Remote, recorder: Recorder, entry_point: str) -> None:
    scope: dict[str, Any] = {"__name__": "__tests__", RECORDER: recorder}
    exec(context, scope)
    scope[entry_point] = remote  # a check may also call it by name
    exec(check.code, scope)
    scope["check"](remote)


def _report(recorder: Recorder, failure: dict[str, Any] | None, remote: Remote) -> dict[str, Any]:
    lost = remote.lost.kind if remote.lost else ""
    return {"passed": recorder.passed, "total": recorder.total, "failure": failure, "lost": lost}


@functools.lru_cache(maxsize=512)
def _compiled(source: str, entry_point: str) -> Check:
    return compile_check(source, entry_point)


@functools.lru_cache(maxsize=512)
def _compiled_context(source: str) -> Any:
    return compile(source, "<context>", "exec")
