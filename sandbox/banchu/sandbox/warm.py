"""`WarmCell`: a cell of the profile `command` that starts when it is needed, and is begun anew when it has failed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final, Self

from banchu.core.errors import SandboxError
from banchu.sandbox.cells import open_cell
from banchu.sandbox.isolation import parse_isolation
from banchu.sandbox.limits import CommandLimits
from banchu.sandbox.link import Failed, Link
from banchu.sandbox.probe import start_error
from banchu.sandbox.process import Process

GRACE_S: Final = 30.0
"""For the cell to end what a command started, and to hand over its files."""


class WarmCell:
    """Safe to use from several threads and tasks, which then wait for each other; close it when done.

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


def killed_for_memory(link: Link) -> int:
    """How often the kernel has killed a process of a cell for want of memory."""
    return link.out_of_memory() if isinstance(link, Process) else 0
