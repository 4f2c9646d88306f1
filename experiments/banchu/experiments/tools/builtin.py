"""The built-in tools of a run: each is made anew for an episode, of the handles that the episode has.

None reaches sealed tests: the cell is empty, the prover knows the public task alone, and the second model is told what
the first one writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from banchu.agents.tools import Tool
from banchu.agents.tools.builtin.ask_model import ask_model
from banchu.agents.tools.builtin.calculator import calculator
from banchu.agents.tools.builtin.cell import PythonCell, Workspace, files, python, python_session, shell
from banchu.agents.tools.builtin.search_memory import Searchable, search_memory
from banchu.agents.tools.builtin.visible_tests import VisibleTests, run_visible_tests
from banchu.core.chat import Sampling
from banchu.models import Model


@dataclass(frozen=True, slots=True)
class Handles:
    """What one episode's built-in tools work on."""

    cell: PythonCell
    session: PythonCell
    workspace: Workspace
    examples: VisibleTests
    helper: Model
    """Who is asked by `ask_model`, paid by the episode."""
    sampling: Sampling
    memory: Searchable
    """What the episode may read of earlier ones; nothing in arms that recall nothing."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One of banchu's own tools, before it has anything to work on."""

    name: str
    make: Callable[[Handles], Tool]


BUILT_IN: Final[dict[str, BuiltIn]] = {
    tool.name: tool
    for tool in (
        BuiltIn("python", lambda handles: python(handles.cell)),
        BuiltIn("python_session", lambda handles: python_session(handles.session)),
        BuiltIn("shell", lambda handles: shell(handles.workspace)),
        BuiltIn("files", lambda handles: files(handles.workspace)),
        BuiltIn("run_visible_tests", lambda handles: run_visible_tests(handles.examples)),
        BuiltIn("calculator", lambda handles: calculator),
        BuiltIn("search_memory", lambda handles: search_memory(handles.memory)),
        BuiltIn("ask_model", lambda handles: ask_model(handles.helper, handles.sampling)),
    )
}
"""By name."""
