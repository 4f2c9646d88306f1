"""The fork server: one per slot. It holds no task's data, and each candidate is a fork of it.

Its first message says where it lives; it answers `ready` with the layers it found, or `failed`. Then it obeys two
messages of the app: `run` (limits, and the candidate's socket as an open file) and `end`; after each `run` it answers
`ended` with what the kernel says of the candidate. When the app is gone, so is everything here.
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
from typing import TYPE_CHECKING, Any, NoReturn

from banchu.sandbox.cell import density, kernel, landlock, preload, root, text
from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.candidate import Confinement, limit_all
from banchu.sandbox.cell.homes import Contained, Home, home_of
from banchu.sandbox.cell.namespaces import SetupFailed, stage
from banchu.sandbox.cell.seccomp import Program, candidate_filter, server_filter
from banchu.sandbox.wire.frames import receive_with_fds, send_with_fds

if TYPE_CHECKING:
    from banchu.sandbox.cell.command import CommandServer

_ENDED = '{"op":"ended","ready":%d,"status":%d,"killed":%d,"overfull":%d,"cpu_s":%.6f}'
_LOOK_MS = 100
"""How often the size of a folder on a shared disk is looked at."""


def start(control: socket.socket, config: dict[str, Any]) -> NoReturn:
    """Build the cell and serve until the app hangs up."""
    try:
        calls = Calls(platform.machine())
        home = home_of(config)
        home.enter()
    except SetupFailed as failure:
        _give_up(control, failure.stage, failure.code, str(failure))
    except KeyError:
        _give_up(control, "machine", 0, f"no table of system calls for {platform.machine()}")
    if isinstance(home, Contained):
        _serve_or_tell(control, calls, home, config)
    # The new pid namespace begins with the next process; this one only waits for it.
    server = os.fork()
    if server == 0:
        _serve_or_tell(control, calls, home, config)
    control.close()
    _, status = os.waitpid(server, 0)
    os._exit(abs(os.waitstatus_to_exitcode(status)))


def _serve_or_tell(control: socket.socket, calls: Calls, home: Home, config: dict[str, Any]) -> NoReturn:
    try:
        server = _server(control, calls, home, config)
        send_with_fds(control, json.dumps({"op": "ready", "layers": server.layers}).encode())
        server.serve()
    except SetupFailed as failure:
        _give_up(control, failure.stage, failure.code, str(failure))
    except Exception as error:  # noqa: BLE001  # the boundary: whatever it is, the app must hear of it
        _give_up(control, "server", 0, f"{type(error).__name__}: {error}")
    os._exit(0)


def _server(control: socket.socket, calls: Calls, home: Home, config: dict[str, Any]) -> _Server | CommandServer:
    if config["profile"] == "command":
        from banchu.sandbox.cell.command import CommandServer

        return CommandServer(control, calls, home, config)
    return _Server(control, calls, home, config)


def _give_up(control: socket.socket, stage: str, code: int, detail: str) -> NoReturn:
    try:
        send_with_fds(control, json.dumps({"op": "failed", "stage": stage, "errno": code, "detail": detail}).encode())
    finally:
        os._exit(1)


class _Server:
    """Everything that a candidate does not need to do again."""

    def __init__(self, control: socket.socket, calls: Calls, home: Home, config: dict[str, Any]) -> None:
        self._control = control
        self._home = home
        memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)  # while there still is a /proc
        mapped = root.mapped_libraries()
        text.enlarge()
        self.landlock = landlock.version()
        if self.landlock < config.get("least_landlock", 0):
            _give_up(control, "landlock", 0, f"Landlock of this kernel is version {self.landlock}")
        sys.path[:] = [os.path.realpath(entry) for entry in sys.path]
        work = preload.work_of(config["profile"])  # while its modules are in sight
        home.settle(mapped)
        preload.load()
        base_bytes = int(os.pread(memory, 100, 0).split()[0]) * os.sysconf("SC_PAGESIZE")
        os.close(memory)
        contained = isinstance(home, Contained)
        own_filter = Program(candidate_filter(calls, contained=contained))
        self._ready = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._confinement = Confinement(own_filter, home.drop, self._ready, work)
        self._watched = home.scratch.watched
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        os.chdir(home.scratch.path)
        if self.landlock:
            with stage("landlock"):
                landlock.restrict(home.readable() | {home.scratch.path: landlock.SCRATCH})
        limit_all(config["limits"], base_bytes, home.max_tasks)
        gc.collect()
        density.fill_pools()
        density.fill_heap()
        gc.freeze()
        with stage("seccomp"):
            everyone = Program(server_filter(calls, contained=contained))
            kernel.filter_installer(everyone.address)()

    @property
    def layers(self) -> dict[str, int]:
        return {"landlock": self.landlock}

    def serve(self) -> None:
        last, order = b"", {"op": ""}
        while (message := receive_with_fds(self._control)) is not None:
            payload, fds = message
            if payload != last:  # it seldom differs
                last, order = payload, json.loads(payload)
            if order["op"] == "run":
                self._run(order, fds)

    def _run(self, order: dict[str, Any], channels: list[int]) -> None:
        self._home.scratch.renew()
        self._home.separate()
        output = os.memfd_create("output")
        candidate = os.fork()
        if candidate == 0:
            self._confinement.become(order, channels, output)
        # While the candidate lives, each page that is written here is copied first: what can wait, waits.
        killed, overfull = self._wait(candidate)
        _, status, usage = os.wait4(candidate, 0)
        for channel in channels:
            os.close(channel)
        if self._watched:
            overfull = overfull or self._home.scratch.overfull()
        cpu_s = usage.ru_utime + usage.ru_stime
        status = os.waitstatus_to_exitcode(status)
        told = _ENDED % (self._was_ready(), status, killed, overfull, cpu_s)
        send_with_fds(self._control, told.encode(), [output])
        os.close(output)
        self._home.rejoin()

    def _was_ready(self) -> bool:
        """Whether the candidate came as far as to begin: before that its code has not run."""
        try:
            return bool(os.eventfd_read(self._ready))
        except BlockingIOError:
            return False

    def _wait(self, candidate: int) -> tuple[bool, bool]:
        """Until the candidate has ended. (killed because the app says so, killed for what it wrote)."""
        ended = os.pidfd_open(candidate)
        poll = self._poll
        poll.register(ended, select.POLLIN)
        try:
            while True:
                ready = poll.poll(_LOOK_MS if self._watched else None)
                for fd, _ in ready:
                    if fd == ended:
                        return False, False
                if ready:
                    message = receive_with_fds(self._control)
                    os.kill(candidate, signal.SIGKILL)
                    if message is None:
                        os._exit(0)
                    return True, False
                if self._home.scratch.overfull():
                    os.kill(candidate, signal.SIGKILL)
                    return False, True
        finally:
            poll.unregister(ended)
            os.close(ended)
