"""Cells of the sandbox as the tools `python`, `python_session`, `shell` and `files` want them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from importlib import resources
from pathlib import PurePosixPath
from typing import Final, Literal

from banchu.agents.tools import ToolFailed
from banchu.agents.tools.builtin.cell import Ran
from banchu.core.errors import ConfigError
from banchu.experiments.executing import plain
from banchu.sandbox import CommandCell, CommandLimits, CommandResult, Session
from banchu.sandbox.command_order import Order

_FIXED: Final = {"PYTHONHASHSEED": "0"}
"""Without it the order of a set would change from run to run."""
_CELLS: Final = 4
"""Programs that run at the same time."""
_ENDS: Final[dict[str, Literal["timed_out", "out_of_memory", "output_limit"]]] = {
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
    "output_limit": "output_limit",
    "file_limit": "output_limit",
}
_LIST: Final = """\
import json, os
found = [os.path.relpath(os.path.join(folder, name)) for folder, _, names in os.walk(".") for name in names]
print(json.dumps(sorted(found)))
"""
_READ: Final = """\
import json, os, sys
with open("{order}") as file:
    path = json.load(file)
os.unlink("{order}")
if os.path.islink(path) or not os.path.isfile(path):
    sys.exit(3)
with open(path, "rb") as file:
    data = file.read(200_000)
try:
    print(json.dumps(data.decode()))
except UnicodeDecodeError:
    sys.exit(4)
"""
_WRITE: Final = """\
import json, os
with open("{order}") as file:
    path, text = json.load(file)
os.unlink("{order}")
if os.path.dirname(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
with open(path, "w", encoding="utf-8", errors="replace") as file:
    file.write(text)
"""
_ORDER: Final = ".banchu-order.json"


class Pool:
    """Cells in which Python runs that leaves nothing behind; any episode's program may have any of them."""

    def __init__(self, isolation: str) -> None:
        self._isolation = isolation
        self._idle: list[CommandCell] = []
        self._made: list[CommandCell] = []
        self._free = asyncio.Semaphore(_CELLS)

    async def run_python(self, code: str, *, timeout_s: float) -> Ran:
        """As `banchu.agents.tools.builtin.cell.PythonCell`."""
        async with self._free:
            cell = self._idle.pop() if self._idle else self._opened(timeout_s)
            try:
                result = await cell.run_async(
                    (Order.PYTHON, "-s", "-B", "main.py"),
                    files={"main.py": code.encode("utf-8", "replace")},
                    env=_FIXED,
                )
            finally:
                self._idle.append(cell)
        return ran(result)

    def _opened(self, timeout_s: float) -> CommandCell:
        cell = CommandCell(self._isolation, limits(timeout_s))
        self._made.append(cell)
        return cell

    async def aclose(self) -> None:
        await asyncio.gather(*(cell.aclose() for cell in self._made))


class Folder:
    """One episode's folder, in a cell of its own that starts with the first command. Close it when done."""

    def __init__(self, isolation: str) -> None:
        self._isolation = isolation
        self._cell: CommandCell | None = None

    async def run_command(self, command: str, *, timeout_s: float) -> Ran:
        """As `banchu.agents.tools.builtin.cell.Workspace`, like all here."""
        cell = self._opened(timeout_s)
        try:
            return ran(await cell.run_async(command, env=_FIXED, keep=True))
        except ConfigError as error:  # the model's doing: a null byte, or more than the system takes
            raise ToolFailed(f"it cannot be run: {error}") from None

    async def files(self) -> list[str]:
        result = await self._script(_LIST, None)
        return [plain(str(name)) for name in json.loads(result.stdout)]

    async def read(self, path: str) -> str:
        result = await self._script(_READ, _inside(path))
        if result.exit_code == 4:
            raise ValueError(f"{path!r:.200} is no text")
        if not result.ok:
            raise FileNotFoundError(path)
        return str(json.loads(result.stdout))

    async def write(self, path: str, text: str) -> None:
        result = await self._script(_WRITE, [_inside(path), text])
        if not result.ok:
            raise OSError(f"{path!r:.200} cannot be written")

    async def aclose(self) -> None:
        if self._cell is not None:
            await self._cell.aclose()

    async def _script(self, script: str, told: object) -> CommandResult:
        cell = self._opened(10.0)
        order = {} if told is None else {_ORDER: json.dumps(told)}
        command = (Order.PYTHON, "-I", "-B", "-c", script.format(order=_ORDER) if told is not None else script)
        return await cell.run_async(command, files=order, env=_FIXED, keep=True)

    def _opened(self, timeout_s: float) -> CommandCell:
        if self._cell is None:
            self._cell = CommandCell(self._isolation, limits(timeout_s))
        return self._cell


class Interpreter:
    """One episode's Python, in a cell of its own that starts with the first code. Close it when done."""

    def __init__(self, isolation: str) -> None:
        self._isolation = isolation
        self._session: Session | None = None

    async def run_python(self, code: str, *, timeout_s: float) -> Ran:
        """As `banchu.agents.tools.builtin.cell.PythonCell`."""
        if self._session is None:
            script = resources.files("banchu.experiments.incell").joinpath("interpreter.py").read_text("utf-8")
            command = (Order.PYTHON, "-s", "-B", "-c", script)
            self._session = Session(self._isolation, command, limits(timeout_s), _FIXED)
        result = await self._session.tell(code.encode("utf-8", "replace"))
        return replace(ran(result), lost=result.status != "waiting")

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.aclose()


def limits(timeout_s: float) -> CommandLimits:
    """Of one program or command. Three times the wall: how busy a machine is must not change what a model is told."""
    return CommandLimits(cpu_s=timeout_s, wall_s=3 * timeout_s)


def ran(result: CommandResult) -> Ran:
    """What became of a command, without what differs from one run to the next."""
    end = _ENDS.get(result.status)
    output, errors = plain(result.stdout), plain(result.stderr)
    if end is not None or result.status == "waiting":
        return Ran(output, errors, end or "exited")
    if result.exit_code is None:
        return Ran(output, errors, "signalled", result.signal or 31)  # 31: killed for a system call
    return Ran(output, errors, "exited", result.exit_code)


def _inside(path: str) -> str:
    """A path of a file in the folder. Raises ValueError."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in path:
        raise ValueError(f"{path!r:.200} is outside your folder; give a path relative to it")
    return str(pure)
