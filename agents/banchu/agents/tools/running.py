"""Somebody else's coroutine, bounded in time: also where it will not be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

GRACE_S: Final = 1.0
"""How long one that was told to stop may clean up."""
_left_behind: set[asyncio.Task[Any]] = set()
"""Tasks that would not stop; the loop itself keeps only weak references."""


class Stopped(Exception):
    """Time is up."""


async def run_within(work: Coroutine[Any, Any, str], timeout_s: float) -> str:
    """What `work` gives.

    Raises:
        Stopped: it took longer, and was told to stop.
        RuntimeError: it cancelled itself, asked Python to exit, or raised what is no Exception.
        Exception: whatever it raised.
    """
    task = asyncio.ensure_future(_guarded(work))
    try:
        await asyncio.wait({task}, timeout=timeout_s)
    except asyncio.CancelledError:
        await _stop(task)
        raise
    if not task.done():
        await _stop(task)
        raise Stopped
    if task.cancelled():
        raise RuntimeError("it cancelled itself")
    return task.result()


async def _guarded(work: Coroutine[Any, Any, str]) -> str:
    try:
        return await work
    except (Exception, asyncio.CancelledError, KeyboardInterrupt):
        raise
    except SystemExit as error:  # in a task it would end the loop
        raise RuntimeError(f"it called exit({error.code!r})") from None
    except BaseException as error:  # noqa: BLE001  # such as pytest.fail's, or a group with an interrupt in it
        raise RuntimeError(f"it raised {type(error).__name__}: {error}") from None


async def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE_S)
    if task.done():
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain of it
        return
    _left_behind.add(task)
    task.add_done_callback(_gone)


def _gone(task: asyncio.Task[Any]) -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()
