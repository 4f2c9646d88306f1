"""The fork server: one per slot. It holds no task's data, and each candidate is a fork of it.

It obeys two messages of the app: `run` (limits, and the candidate's socket as an open file) and `end`; after each
`run` it answers `ended` with what the kernel says of the candidate. When the app is gone, so is everything here.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from banchu.sandbox.cell import kernel, namespaces, preload, root
from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.candidate import Confinement, become
from banchu.sandbox.cell.seccomp import Program, candidate_filter, server_filter
from banchu.sandbox.wire.frames import receive_with_fds, send_with_fds

_SHOWN_OUTPUT = 4096


def main(fd: int) -> NoReturn:
    """Build the cell and serve until the app hangs up. The process that was started only waits for the server."""
    control = socket.socket(fileno=fd)
    try:
        calls = Calls(platform.machine())
        namespaces.enter()
    except namespaces.SetupFailed as failure:
        _give_up(control, failure.stage, failure.code, str(failure))
    except KeyError:
        _give_up(control, "machine", 0, f"no table of system calls for {platform.machine()}")
    server = os.fork()
    if server == 0:
        _serve_or_tell(control, calls)
    control.close()
    _, status = os.waitpid(server, 0)
    os._exit(abs(os.waitstatus_to_exitcode(status)))


def _serve_or_tell(control: socket.socket, calls: Calls) -> NoReturn:
    try:
        server = _Server(control, calls)
        send_with_fds(control, json.dumps({"op": "ready"}).encode())
        server.serve()
    except namespaces.SetupFailed as failure:
        _give_up(control, failure.stage, failure.code, str(failure))
    except Exception as error:  # noqa: BLE001  # the boundary: whatever it is, the app must hear of it
        _give_up(control, "server", 0, f"{type(error).__name__}: {error}")
    os._exit(0)


def _give_up(control: socket.socket, stage: str, code: int, detail: str) -> NoReturn:
    try:
        send_with_fds(control, json.dumps({"op": "failed", "stage": stage, "errno": code, "detail": detail}).encode())
    finally:
        os._exit(1)


class _Server:
    """Everything that a candidate does not need to do again."""

    def __init__(self, control: socket.socket, calls: Calls) -> None:
        self._control = control
        # All that /proc is needed for, while there still is one.
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        mapped = root.mapped_libraries()
        with namespaces.stage("root"):
            sys.path[:] = [os.path.realpath(entry) for entry in sys.path]
            root.build(mapped)
        namespaces.drop_to_candidate()
        kernel.die_with_parent(signal.SIGKILL)
        with namespaces.stage("tmp"):
            self._scratch = root.Scratch(file_mib=1)
        preload.load()
        base_bytes = int(os.pread(memory, 100, 0).split()[0]) * os.sysconf("SC_PAGESIZE")
        os.close(memory)
        self._confinement = Confinement(Program(candidate_filter(calls)), base_bytes)
        gc.collect()
        gc.freeze()
        with namespaces.stage("seccomp"):
            everyone = Program(server_filter(calls))
            kernel.install_filter(everyone.address)

    def serve(self) -> None:
        while (message := receive_with_fds(self._control)) is not None:
            payload, fds = message
            order = json.loads(payload)
            if order["op"] == "run":
                self._run(order["limits"], fds[0])

    def _run(self, limits: dict[str, Any], channel: int) -> None:
        self._scratch.renew(limits["file_mib"])
        output = os.memfd_create("output")
        try:
            candidate = self._fork(limits, channel, output)
            os.close(channel)
            self._wait(candidate)
            killed = self._killed
            _, status, usage = os.wait4(candidate, 0)
            answer = {
                "op": "ended",
                "status": os.waitstatus_to_exitcode(status),
                "killed": killed,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "output_bytes": os.fstat(output).st_size,
                "output": os.pread(output, _SHOWN_OUTPUT, 0).decode("utf-8", "replace"),
            }
        finally:
            os.close(output)
        send_with_fds(self._control, json.dumps(answer).encode())

    def _fork(self, limits: dict[str, Any], channel: int, output: int) -> int:
        """A candidate that is init of a new pid namespace: whatever it leaves behind dies with it."""
        kernel.unshare(kernel.CLONE_NEWPID)
        candidate = os.fork()
        if candidate == 0:
            become(self._confinement, limits, channel, output)
        kernel.setns(self._own_pids, kernel.CLONE_NEWPID)
        return candidate

    def _wait(self, candidate: int) -> None:
        """Until the candidate has ended, by itself or because the app says so or is gone."""
        self._killed = False
        ended = os.pidfd_open(candidate)
        try:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.register(self._control, select.POLLIN)
            ready = [fd for fd, _ in poll.poll()]
            if ended not in ready:
                message = receive_with_fds(self._control)
                self._killed = True
                os.kill(candidate, signal.SIGKILL)
                if message is None:
                    os._exit(0)
        finally:
            os.close(ended)
