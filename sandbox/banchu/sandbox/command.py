"""Commands in a cell: scripts and programs of any language, with files and stdin, such as an agent's tools run.

    with CommandCell() as cell:
        cell.run("sort names.txt | head -1", files={"names.txt": names}).stdout

A command has no part in judging: it is another profile of the same cell, and never shares one with a candidate.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

from banchu.core.errors import SandboxError
from banchu.sandbox.command_order import Order
from banchu.sandbox.command_result import CommandResult
from banchu.sandbox.link import Failed
from banchu.sandbox.warm import GRACE_S, WarmCell, killed_for_memory

_NO_FILES: Final[Mapping[str, str | bytes]] = {}
_NO_NAMES: Final[Mapping[str, str]] = {}


class CommandCell(WarmCell):
    """One warm cell, which runs one command at a time, each within the cell's limits. It starts with the first."""

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

    def _run(self, order: Order) -> CommandResult:
        with self._one_at_a_time:
            link = self._opened()
            before = killed_for_memory(link)
            try:
                order.begin(link)
                message = link.receive(self.limits.wall_s + GRACE_S)
                if message.get("op") != "ended":
                    raise Failed(str(message.get("detail")), message)
                order.end()
                starved = killed_for_memory(link) > before
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
