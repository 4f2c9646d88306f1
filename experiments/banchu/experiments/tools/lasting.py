"""What lasts as long as an episode, its folder and its session, is brought back when the episode goes on.

An episode that is walked again is told what its calls gave, and they are not run. Before the first that is run, those
of them which left something are run too, so that it finds what they left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from banchu.agents.tools import BadArguments, Tool, ToolFailed
from banchu.agents.tools.builtin.cell import PythonCell, Workspace, files, python_session, shell
from banchu.core.lenient import Unreadable, read_whole
from banchu.core.tool_record import ToolCallRecord


class Lasting:
    """An episode's folder and session."""

    def __init__(self, folder: Workspace, session: PythonCell) -> None:
        in_folder, in_session = (shell(folder), files(folder)), (python_session(session),)
        self._missing: list[dict[str, Tool]] = [{tool.name: tool for tool in some} for some in (in_folder, in_session)]
        """Tools of what has not been brought back."""

    async def bring_back(self, name: str, told: Sequence[ToolCallRecord]) -> None:
        """Before a call of this tool is run: all that is told so far has left what it left. Raises SandboxError."""
        for tools in [each for each in self._missing if name in each]:
            self._missing.remove(tools)
            for record in _leaving(tools, told):
                with contextlib.suppress(Unreadable, BadArguments, ToolFailed):
                    arguments = read_whole(record.arguments)
                    if isinstance(arguments, dict):
                        await tools[record.tool].call(arguments)


def _leaving(tools: dict[str, Tool], told: Sequence[ToolCallRecord]) -> list[ToolCallRecord]:
    """Calls that may have left something: they were run, and no later one has ended a session."""
    found: list[ToolCallRecord] = []
    for record in told:
        if record.tool not in tools or record.outcome == "limit":
            continue
        # A call of a session fails when it has ended it, and for nothing else.
        ended = record.tool == "python_session" and record.outcome in ("failed", "timed_out")
        found = [] if ended else [*found, record]
    return found
