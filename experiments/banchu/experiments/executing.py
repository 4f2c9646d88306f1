"""Running programs for feedback in command cells: what calls print, return and raise, and the way there.

Programs are untrusted, and so is what comes back: it is bounded here, whatever the scripts inside promised.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import tempfile
from collections.abc import Sequence
from importlib import resources
from typing import Final

from banchu.agents.quoting import bounded
from banchu.core.errors import SandboxError
from banchu.experiments.journal import storable
from banchu.sandbox import CommandCell, CommandLimits, CommandResult
from banchu.sandbox.command_order import Order

MAX_TRACE: Final = 4000
"""Characters of one trace."""
MAX_OUTCOME: Final = 480
"""Characters of what one call gives; the scripts' own texts are shorter."""
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,}")
_SLOT: Final = re.compile(r"/banchu-slot-\d+-\w+")
"""What the folder is called in which a cell without a file system of its own works (isolation landlock), below the
machine's folder for such: another name in each process, and it stands in every traceback."""
_LIMITS: Final = CommandLimits(cpu_s=2.0, wall_s=20.0, processes=8, output_kib=64, file_mib=16)
"""As a candidate's before the judge."""
_FORKING: Final = CommandLimits(cpu_s=12.0, wall_s=45.0, processes=8, output_kib=1024, file_mib=16)
"""For scripts that hold each call in a process of its own, and give it less."""
_FOLDER: Final = "banchu/experiments/incell"
_MAIN: Final = "from banchu.experiments.incell.{name} import main\n\nmain()\n"
_NEEDS: Final = {
    "traced": ("traced", "shown"),
    "outcomes": ("outcomes", "canonical", "forked", "shown"),
    "stepped": ("stepped", "following", "blocks", "forked", "shown"),
}
"""The files of `incell/` that a script is sent with."""


class Executor:
    """Two command cells: for what runs in one go, and for what forks. Close it when done.

    Args:
        isolation: what holds the programs, as the judge's.
    """

    def __init__(self, isolation: str) -> None:
        self._cell = CommandCell(isolation, _LIMITS)
        self._forking = CommandCell(isolation, _FORKING)

    async def aclose(self) -> None:
        await asyncio.gather(self._cell.aclose(), self._forking.aclose())

    async def trace(self, calls: Sequence[str], code: str) -> str:
        """As `banchu.graphs.Prover`. Raises SandboxError."""
        result = await self._run(self._cell, "traced", calls, code)
        return _told(result, result.stdout)

    async def steps(self, call: str, code: str) -> str:
        """As `banchu.graphs.Prover`. Raises SandboxError."""
        result = await self._run(self._forking, "stepped", [call], code)
        return _told(result, _behind_ready(result))

    async def outputs(self, calls: Sequence[str], code: str) -> list[str]:
        """As `banchu.graphs.Prover`. Each text is a value as `canonical.py` writes it, `raises Name` or `stopped: why`;
        one that ends in `while loading` is the same for all calls. Raises SandboxError.
        """
        result = await self._run(self._forking, "outcomes", calls, code)
        said = [storable(line)[:MAX_OUTCOME] or "?" for line in _behind_ready(result).split("\n")[:-1]]
        why = _why(result)
        if said[:1] != ["loaded"]:
            return [said[0] if said else f"{why} while loading"] * len(calls)
        texts = said[1 : len(calls) + 1]
        return [*texts, *[why] * (len(calls) - len(texts))]

    async def _run(self, cell: CommandCell, script: str, calls: Sequence[str], code: str) -> CommandResult:
        package = resources.files("banchu.experiments.incell")
        files: dict[str, str | bytes] = {
            f"{_FOLDER}/{name}.py": package.joinpath(f"{name}.py").read_bytes() for name in _NEEDS[script]
        }
        files |= {
            "main.py": _MAIN.format(name=script),
            "answer.py": code.encode("utf-8", "replace"),
            "calls.json": json.dumps(list(calls)),
        }
        # Without the seed the order of a set, which programs print, would change from run to run.
        return await cell.run_async((Order.PYTHON, "-s", "-B", "main.py"), files=files, env={"PYTHONHASHSEED": "0"})


_ENDED: Final = "stopped: the program ended itself"
_ENDS: Final[dict[str, str]] = {
    "timed_out": "stopped: the code took too long",
    "out_of_memory": "stopped: the code ran out of memory",
    "output_limit": "stopped: the code printed too much",
    "file_limit": "stopped: the code wrote too much",
    "forbidden": "stopped: the code did something that is not allowed",
}


def _why(result: CommandResult) -> str:
    """A command did not come to its end."""
    late = result.signal == signal.SIGALRM  # what wakes a script whose program sleeps while it is loaded
    return _ENDS.get("timed_out" if late else result.status, _ENDED)


def _behind_ready(result: CommandResult) -> str:
    """What a script said after it had begun, all of which the program may have written. Raises SandboxError."""
    ready, newline, text = result.stdout.partition("\n")
    if ready != "ready" or not newline:
        raise SandboxError(f"a script did not begin in its cell: {result.status} {result.stderr[-500:]}")
    return text


def _told(result: CommandResult, text: str) -> str:
    text = text if result.ok else f"{text.rstrip()}\n({_why(result)})"
    return bounded(plain(text).strip(), MAX_TRACE)


def plain(text: str) -> str:
    """Without what differs from one run to the next, and without what a file cannot hold."""
    text = storable(text)
    if _SLOT.search(text):
        below = tempfile.gettempdir()
        for top in (os.path.realpath(below), below):
            text = re.sub(f"{re.escape(top)}{_SLOT.pattern}", ".", text)
    return _ADDRESS.sub("0x...", text)
