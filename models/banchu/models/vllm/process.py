"""The process that hosts vLLM, seen from outside: how it is started, and ended with all that it started.

It leads a session of its own: vLLM's processes end at SIGINT, a terminal sends Ctrl-C to all that it started, and a run
that is asked to end still wants the answers that are under way. For the same reason, and because vLLM prints to
standard output, it is not hosted in banchu's own process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from banchu.models.hosted import Hosted

_CLOSE_S: Final = 15.0
"""For vLLM's own end, which frees the GPU in good order; then all that is left is killed."""
_REMEDY: Final = "vLLM's settings go behind the name, as vllm:ID+max_model_len=4096+gpu_memory_utilization=0.8"


class EngineProcess(Hosted):
    """One hosted engine."""

    @classmethod
    async def spawn(cls, id: str, path: Path, settings: Mapping[str, Any]) -> EngineProcess:
        told = {
            "TOKENIZERS_PARALLELISM": "false",
            "VLLM_LOGGING_LEVEL": "WARNING",
            "VLLM_NO_USAGE_STATS": "1",  # vLLM would tell its makers of each start
        }
        unsaid = {name: value for name, value in told.items() if name not in os.environ}
        command = ("banchu.models.vllm.worker", str(path), json.dumps(dict(settings)))
        return await cls.start(id, *command, env=unsaid, new_session=True)

    async def _end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            # What it still says must be read, or it waits for a reader instead of ending.
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.gather(_drained(self._process.stdout), _drained(self._process.stderr))

    def _kill(self) -> None:
        """End all that is left of the session, on a GPU or not."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _outlived(self) -> None:
        self._kill()  # what it started may outlive it, and hold the memory

    def _why(self, code: int, failed: str) -> str:
        said = failed if failed and "root cause" not in failed else cause(self._said) or failed or "it said nothing"
        if self._loaded.is_set():
            return f"vLLM ended with status {code} ({said})"
        return f"vLLM did not start with status {code} ({said}); {_REMEDY}"


async def _drained(stream: asyncio.StreamReader | None) -> None:
    while stream and await stream.read(2**16):
        pass


def cause(lines: deque[str]) -> str:
    """The first error in vLLM's log that is no consequence of another; else its last line.

    vLLM raises in the process that loads, logs a traceback there, and raises "See root cause above" in each above it.
    """
    said = [
        re.sub(r"^\(\w+ pid=\d+\)\s*((ERROR|WARNING|INFO) \S+ \S+ \[[^\]]*\]\s*)?", "", line).strip() for line in lines
    ]
    errors = [
        line for line in said if re.match(r"(\w+\.)*\w*(Error|Exception)\b: .", line) and "root cause" not in line
    ]
    return (errors or [*filter(None, said)][-1:] or [""])[0][:400]
