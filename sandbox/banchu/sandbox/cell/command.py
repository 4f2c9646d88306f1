"""The fork server of commands: a program, files and stdin in; output, files and what became of it out.

It obeys the same messages as the server of candidates, with everything that a `run` needs in the message itself, and
has no share in judging. Each command is waited for by a process of its own (`command_wait`).
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import socket
import sys
from typing import Any, NoReturn

from banchu.sandbox.cell import command_root, command_tree, kernel, landlock, root
from banchu.sandbox.cell.calls import Calls
from banchu.sandbox.cell.command_calls import CommandCalls, command_filter
from banchu.sandbox.cell.command_child import Start
from banchu.sandbox.cell.command_homes import Contained, Namespaced
from banchu.sandbox.cell.command_told import Told
from banchu.sandbox.cell.command_wait import Waiting
from banchu.sandbox.cell.homes import Home
from banchu.sandbox.cell.namespaces import SetupFailed, stage
from banchu.sandbox.cell.seccomp import Program, server_filter
from banchu.sandbox.wire.frames import receive_with_fds, send_with_fds

_LOST = b'{"op": "ended", "stopped": "lost"}'


class CommandServer:
    """What is the same for all commands. Raises SetupFailed."""

    def __init__(self, control: socket.socket, calls: Calls, home: Home, config: dict[str, Any]) -> None:
        assert isinstance(home, Namespaced | Contained)
        self._control = control
        self._home = home
        self._kept = False
        abi = landlock.version()
        if abi < config.get("least_landlock", 0):
            raise SetupFailed("landlock", OSError(f"Landlock of this kernel is version {abi}"))
        sys.path[:] = [os.path.realpath(entry) for entry in sys.path]
        environment = os.environ
        self._environment = {name: environment[name] for name in ("LC_ALL", "HOME", "TMPDIR", "PYTHONHASHSEED")}
        self._environment |= {
            "PATH": command_root.search_path(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "UV_USE_IO_URING": "0",  # whoever asks for an io_uring is killed
            "OPENSSL_CONF": "/dev/null",  # it may be absent, but not refused
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        os.umask(0o022)
        home.settle(root.mapped_libraries())
        self._contained = isinstance(home, Contained)
        if self._contained:
            kernel.adopt_orphans()
        own = CommandCalls(os.uname().machine)
        shared = bool(config.get("shared_files"))
        self._filter = Program(command_filter(own, contained=self._contained, shared_files=shared))
        install = kernel.filter_installer(self._filter.address)
        self._start = Start(home, install, with_landlock=abi > 0, grouped=bool(config.get("grouped")))
        self.layers = {"landlock": abi, "proc": int(home.shows_processes)}
        gc.collect()
        gc.freeze()
        with stage("seccomp"):
            everyone = Program(server_filter(own, contained=self._contained))
            kernel.filter_installer(everyone.address)()

    def serve(self) -> None:
        while (message := receive_with_fds(self._control)) is not None:
            order = json.loads(message[0])
            if order["op"] == "run":
                self._prepare(order)
                self._run(order)
            elif order["op"] == "converse":
                self._prepare(order)
                self._converse(order)
        self._home.scratch.renew()

    def _prepare(self, order: dict[str, Any]) -> None:
        if not (self._kept and order["keep"]):
            self._home.scratch.renew()
        self._kept = order["keep"]
        order["env"] = self._environment | order["env"]
        order["command"] = [sys.executable if part is None else part for part in order["command"]]

    def _run(self, order: dict[str, Any]) -> None:
        answer = os.memfd_create("answer")
        word, ear = socket.socketpair()
        try:
            self._home.separate()
            waiting = os.fork()
            if waiting == 0:
                word.close()
                self._control.close()
                self._wait_for_command(order, ear.fileno(), answer)
            self._home.rejoin()
            ear.close()
            self._until_ended(waiting, word)
            _, status = os.waitpid(waiting, 0)
            if self._contained:
                command_tree.kill_below(os.getpid())  # the waiting process has done so, unless it was killed
            told = os.pread(answer, os.fstat(answer).st_size, 0) if status == 0 else _LOST
        finally:
            os.close(answer)
            word.close()
        send_with_fds(self._control, told)

    def _converse(self, order: dict[str, Any]) -> None:
        """The waiting process speaks with the app until the program ends; here nothing is read meanwhile."""
        self._home.separate()
        waiting = os.fork()
        if waiting == 0:
            try:
                Told(self._home, order, self._control).run(self._start)
                os._exit(0)
            finally:
                os._exit(1)
        self._home.rejoin()
        _, status = os.waitpid(waiting, 0)
        if self._contained:
            command_tree.kill_below(os.getpid())
        if status:
            with contextlib.suppress(OSError):  # the app is gone
                send_with_fds(self._control, _LOST)

    def _wait_for_command(self, order: dict[str, Any], word: int, answer: int) -> NoReturn:
        try:
            ended = Waiting(self._home, order, word).run(self._start)
            left = memoryview(json.dumps({"op": "ended", **ended}).encode())
            while left:
                left = left[os.write(answer, left) :]
            os._exit(0)
        finally:
            os._exit(1)

    def _until_ended(self, waiting: int, word: socket.socket) -> None:
        """Passes on that the app wants an end, or is gone."""
        ended = os.pidfd_open(waiting)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        try:
            while ended not in (ready := [fd for fd, _ in poll.poll()]):
                if self._control.fileno() in ready:
                    gone = receive_with_fds(self._control) is None
                    word.close()
                    if gone:
                        os.waitpid(waiting, 0)
                        os._exit(0)
        finally:
            os.close(ended)
