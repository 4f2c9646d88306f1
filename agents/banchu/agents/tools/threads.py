"""Functions that block, each in a thread of its own that nobody need wait for.

asyncio's own pool is joined when the loop ends, so one function that never returns would hold a whole run.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(function: Callable[[], Result]) -> Result:
    """What `function` returns or raises. When cancelled the thread goes on, and what it gives is dropped."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()
    context = contextvars.copy_context()

    def told(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function)
        except (
            StopIteration,
            SystemExit,
            KeyboardInterrupt,
        ) as raised:  # a future takes the first, a loop ends by others
            error = RuntimeError(f"it raised {type(raised).__name__}: {raised}")
        except BaseException as raised:  # noqa: BLE001  # the caller's to judge
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
            loop.call_soon_threadsafe(told, result, error)

    threading.Thread(target=work, daemon=True, name="banchu-tool").start()
    return await future
