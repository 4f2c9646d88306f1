"""Commands in a cell: scripts and programs of any language, with files and stdin, such as an agent's tools run.

    with CommandCell() as cell:
        cell.run("sort names.txt | head -1", files={"names.txt": names}).stdout

A command has no part in judging: it is another profile of the same cell, and never shares one with a candidate.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from banchu.core.errors import SandboxError
from banchu.sandbox.cells import open_cell
from banchu.sandbox.command_order import Order
from banchu.sandbox.command_result import CommandResult
from banchu.sandbox.isolation import parse_isolation
from banchu.sandbox.limits import CommandLimits
from banchu.sandbox.link import Failed, Link
from banchu.sandbox.probe import start_error
from banchu.sandbox.process import Process

_GRACE_S: Final = 30.0
"""For the cell to end what a command started, and to hand over its files."""
_NO_FILES: Final[Mapping[str, str | bytes]] = {}
_NO_NAMES: Final[Mapping[str, str]] = {}


class CommandCell:
    """One warm cell, which runs one command at a time. It starts with the first. Safe to use from several threads and
    tasks, which then wait for each other; close it when done.

    Args:
        isolation: what holds commands, as in `isolation.py`. There is no fall to less.
        limits: of every command.

    Raises:
        ConfigError: an unknown isolation.
    """

    def __init__(self, isolation: str = "namespaces", limits: CommandLimits | None = None) -> None:
        self._wanted = parse_isolation(isolation)
        self.isolation = str(self._wanted)
        self.limits = limits or CommandLimits()
        self._one_at_a_time = threading.Lock()
        self._link: Link | None = None
        self._closed = False

    def run(
        self,
        command: Sequence[str] | str,
        *,
        files: Mapping[str, str | bytes] = _NO_FILES,
        stdin: str | bytes = "",
        env: Mapping[str, str] = _NO_NAMES,
        keep: bool = False,
        read: Sequence[str] = (),
    ) -> CommandResult:
        """What became of a command. Whatever it does is a result, and never an error.

        Args:
            command: a program and its arguments, or a line for /bin/sh.
            files: names in the workspace, which is the working folder, to contents; written before it starts.
            stdin: what it can read.
            env: variables besides the few that are always set.
            keep: begin with what the last command left, if that was kept too, and leave files for the next; else the
                workspace is empty at first and lost at last.
            read: names of files in the workspace whose contents come back.

        Raises:
            ConfigError: an argument that cannot be used.
            IsolationUnavailable: the isolation cannot be had here.
            SandboxError: the cell itself failed; what it kept is lost, and the next command gets a new one.
        """
        return self._run(Order(command, files, stdin, env, keep=keep, read=read, limits=self.limits))

    async def run_async(
        self,
        command: Sequence[str] | str,
        *,
        files: Mapping[str, str | bytes] = _NO_FILES,
        stdin: str | bytes = "",
        env: Mapping[str, str] = _NO_NAMES,
        keep: bool = False,
        read: Sequence[str] = (),
    ) -> CommandResult:
        """As `run`. When it is cancelled the command is ended."""
        order = Order(command, files, stdin, env, keep=keep, read=read, limits=self.limits)
        running = asyncio.ensure_future(asyncio.to_thread(self._run, order))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            with contextlib.suppress(Failed):  # it then ends by itself
                order.cancel()
            with contextlib.suppress(SandboxError):
                await running
            raise

    def run_python(
        self,
        code: str,
        *,
        files: Mapping[str, str | bytes] = _NO_FILES,
        stdin: str | bytes = "",
        keep: bool = False,
        read: Sequence[str] = (),
        name: str = "main.py",
    ) -> CommandResult:
        """A script, by the Python that runs the judge: the standard library, modules in the workspace, no packages.

        `name` is the file that it is written to. Raises as `run`.
        """
        command = (Order.PYTHON, "-s", "-B", name)
        return self._run(Order(command, {**files, name: code}, stdin, {}, keep=keep, read=read, limits=self.limits))

    def start(self) -> None:
        """Bring the cell up now instead of at the first command. Raises IsolationUnavailable, SandboxError."""
        with self._one_at_a_time:
            self._opened()

    @property
    def layers(self) -> dict[str, Any]:
        """What was found when the cell was built: `landlock` (version), `proc` (commands see their processes)."""
        with self._one_at_a_time:
            return self._opened().layers

    def close(self) -> None:
        """Wait for the command under way, end the cell. Idempotent."""
        with self._one_at_a_time:
            self._closed = True
            self._discard()

    async def aclose(self) -> None:
        """As `close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _run(self, order: Order) -> CommandResult:
        with self._one_at_a_time:
            link = self._opened()
            before = _killed_for_memory(link)
            try:
                order.begin(link)
                message = link.receive(self.limits.wall_s + _GRACE_S)
                if message.get("op") != "ended":
                    raise Failed(str(message.get("detail")), message)
                order.end()
                starved = _killed_for_memory(link) > before
                if message["stopped"] == "lost" and not starved:
                    raise Failed("the process that waits for the command is gone")
            except Failed as failed:
                order.end()
                self._discard()
                raise SandboxError(f"the cell failed on a command, what it kept is lost: {failed}") from failed
            except BaseException:
                order.end()
                self._discard()  # its answer would be taken for the next one's
                raise
        return CommandResult.of(message, order.read, self.isolation, starved=starved)

    def _opened(self) -> Link:
        if self._closed:
            raise SandboxError("the command cell is closed; open another")
        if self._link is None:
            try:
                self._link = open_cell(self._wanted, self.limits, "command")
            except Failed as failed:
                raise start_error(failed, self._wanted) from failed
        return self._link

    def _discard(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _killed_for_memory(link: Link) -> int:
    return link.out_of_memory() if isinstance(link, Process) else 0
