"""Tools that work inside a cell: `python`, `shell`, `files`. The cell is handed in; nothing here can open one.

Agents may not import the sandbox, so these are the protocols that whoever has one fulfils. What comes back was written
by the model's own programs: data, bounded by the tool box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from banchu.agents.tools.function import tool
from banchu.agents.tools.tool import Tool, ToolFailed


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program or command did."""

    output: str = ""
    """Standard output, and what the last expression of a session's code gave."""
    errors: str = ""
    """Standard error, and the traceback."""
    end: Literal["exited", "signalled", "timed_out", "out_of_memory", "output_limit"] = "exited"
    code: int = 0
    """Exit code, or the signal."""
    lost: bool = False
    """Of a session: its interpreter has ended, and with it what earlier calls left."""


class PythonCell(Protocol):
    """Runs Python of this episode: for `python` each time in an empty place, for `python_session` in one that lasts.

    All methods of a cell raise SandboxError when the sandbox itself fails.
    """

    async def run_python(self, code: str, *, timeout_s: float) -> Ran: ...


class Workspace(Protocol):
    """A folder of this episode's inside a cell. Paths are relative to it; the cell keeps what is outside away."""

    async def run_command(self, command: str, *, timeout_s: float) -> Ran:
        """A line for `sh`."""
        ...

    async def read(self, path: str) -> str:
        """A file as text. Raises FileNotFoundError, or ValueError for a path outside or a file that is no text."""
        ...

    async def write(self, path: str, text: str) -> None:
        """Make or replace a file, and its folders. Raises ValueError for a path outside, OSError where it cannot be."""
        ...

    async def files(self) -> list[str]:
        """Its files, sorted."""
        ...


LOST: Final = "The session has ended: names, imports and files are gone, and the next call begins anew."


def python(cell: PythonCell, *, timeout_s: float = 10.0, max_characters: int = 4000) -> Tool:
    """The tool `python` over a cell."""

    async def run(code: str) -> str:
        return shown(await cell.run_python(code, timeout_s=timeout_s), timeout_s)

    return tool(
        name="python",
        description="Run Python code and see what it prints or raises. Each call begins anew: nothing of earlier calls "
        "is there. There is no network.",
        # The cell has a clock of its own; this one is for a cell that does not answer.
        timeout_s=timeout_s + 30,
        max_characters=max_characters,
    )(run)


def python_session(cell: PythonCell, *, timeout_s: float = 10.0, max_characters: int = 4000) -> Tool:
    """The tool `python_session` over a cell whose interpreter lives on. A call that ends it fails, and says so."""

    async def run(code: str) -> str:
        ran = await cell.run_python(code, timeout_s=timeout_s)
        if ran.lost:
            raise ToolFailed(f"{shown(ran, timeout_s)}\n{LOST}")
        return shown(ran, timeout_s)

    return tool(
        name="python_session",
        description="Run Python code in a session and see what it prints or raises, and the value of a last "
        "expression. Names, imports and files of earlier calls are still there. Code that exits, or runs longer than "
        f"{timeout_s:g} s, ends the session: the next call begins anew. There is no network.",
        timeout_s=3 * timeout_s + 30,
        max_characters=max_characters,
    )(run)


def shell(workspace: Workspace, *, timeout_s: float = 10.0, max_characters: int = 4000) -> Tool:
    """The tool `shell` over a workspace."""

    async def run(command: str) -> str:
        return shown(await workspace.run_command(command, timeout_s=timeout_s), timeout_s)

    return tool(
        name="shell",
        description="Run a command with sh in your folder and see what it prints. There is no network.",
        timeout_s=timeout_s + 30,
        max_characters=max_characters,
    )(run)


def files(workspace: Workspace, *, max_characters: int = 8000) -> Tool:
    """The tool `files` over a workspace: list, read, write."""

    async def run(action: Literal["list", "read", "write"], path: str = "", text: str = "") -> str:
        """List, read or write the files of your folder.

        Args:
            action: what to do.
            path: of the file, relative to the folder; for read and write.
            text: what to write; it replaces the file.
        """
        try:
            if action == "list":
                return "\n".join(await workspace.files()) or "(the folder is empty)"
            if not path:
                raise ToolFailed(f"{action} needs a path")
            if action == "read":
                return await workspace.read(path) or "(the file is empty)"
            await workspace.write(path, text)
        except FileNotFoundError:
            raise ToolFailed(f"there is no file {path[:200]!r}") from None
        except (OSError, ValueError) as error:
            raise ToolFailed(str(error)) from None
        return f"wrote {len(text)} characters to {path}"

    return tool(name="files", max_characters=max_characters)(run)


def shown(ran: Ran, timeout_s: float) -> str:
    """What happened, in the words of a terminal."""
    parts = [ran.output.rstrip("\n"), ran.errors.rstrip("\n")]
    ends = {
        "exited": f"exit code {ran.code}" if ran.code else "",
        "signalled": f"killed by signal {ran.code}",
        "timed_out": f"stopped after {timeout_s:g} s",
        "out_of_memory": "killed: out of memory",
        "output_limit": "stopped: too much output",
    }
    parts.append(f"[{ends[ran.end]}]" if ends[ran.end] else "")
    return "\n".join(part for part in parts if part) or "(no output)"
