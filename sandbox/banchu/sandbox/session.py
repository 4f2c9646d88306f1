"""`Session`: a program in a cell that is told one thing after another, and lives in between.

How it reads what it is told, and says that it has done it, stands in `cell/command_told.py`. While nobody waits for it,
it and all that it started stand still.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from banchu.core.errors import SandboxError
from banchu.sandbox.command_order import Order
from banchu.sandbox.command_result import CommandResult
from banchu.sandbox.limits import CommandLimits
from banchu.sandbox.link import Failed, Link
from banchu.sandbox.warm import GRACE_S, WarmCell, killed_for_memory

_LIFE: Final = 1000
"""Times what it may work at a time: the kernel's own bound, which knows no such times."""


class Session(WarmCell):
    """One program at a time, which starts when it is first told something, in an empty workspace that lasts as long.

    Args:
        command: a program and its arguments.
        limits: time and output of each thing that it is told; the rest of all together.
        env: variables besides the few that are always set.

    Raises:
        ConfigError: an argument that cannot be used.
    """

    def __init__(
        self, isolation: str, command: Sequence[str], limits: CommandLimits, env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(isolation, limits)
        life = replace(limits, cpu_s=limits.cpu_s * _LIFE)
        self._order = Order(command, {}, "", env or {}, keep=False, read=(), limits=life, converse=True)
        self._alive = False
        self._asking: Link | None = None
        self._sending = threading.Lock()

    async def tell(self, text: bytes) -> CommandResult:
        """What came of it. With any other status than `waiting` the program has ended, and the next text begins anew.

        When it is cancelled, so is the program.

        Raises:
            IsolationUnavailable: the isolation cannot be had here.
            SandboxError: the cell itself failed; the next text begins anew.
        """
        telling = asyncio.ensure_future(asyncio.to_thread(self._tell, text))
        try:
            return await asyncio.shield(telling)
        except asyncio.CancelledError:
            with self._sending, contextlib.suppress(Failed):  # it then ends by itself
                if self._asking is not None:
                    self._asking.send({"op": "end"})
            with contextlib.suppress(SandboxError):
                await telling
            await asyncio.to_thread(self._end)
            raise

    def _tell(self, text: bytes) -> CommandResult:
        with self._one_at_a_time:
            link = self._opened()
            before = killed_for_memory(link)
            message = {"op": "tell", "text": base64.b64encode(text).decode()}
            try:
                if not self._alive:
                    self._order.begin(link)
                    self._order.end()
                    self._alive = True
                with self._sending:
                    link.send(message | {"cpu_s": self.limits.cpu_s, "wall_s": self.limits.wall_s})
                    self._asking = link
                told = link.receive(self.limits.wall_s + GRACE_S)
                if told.get("op") not in ("told", "ended"):
                    raise Failed(str(told.get("detail")), told)
                starved = killed_for_memory(link) > before
                if told.get("stopped") == "lost" and not starved:
                    raise Failed("the process that waits for the program is gone")
            except Failed as failed:
                self._discard()
                raise SandboxError(f"the cell failed on a program that was told something: {failed}") from failed
            except BaseException:
                self._discard()  # its answer would be taken for the next one's
                raise
            finally:
                with self._sending:
                    self._asking = None
            if told["op"] == "told":
                return CommandResult.waiting(told, self.isolation)
            self._alive = False
        return CommandResult.of(told, (), self.isolation, starved=starved)

    def _end(self) -> None:
        with self._one_at_a_time:
            self._discard()

    def _discard(self) -> None:
        self._alive = False
        super()._discard()
