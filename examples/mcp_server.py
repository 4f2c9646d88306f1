"""An MCP server: what Python's own modules say of themselves. `python mcp_server.py` speaks over stdio.

It imports modules of the list below only: to import a module is to run it.
"""

from __future__ import annotations

import importlib
import pydoc

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

MODULES = ("builtins", "bisect", "collections", "functools", "heapq", "itertools", "math", "re", "statistics", "string")
server = MCPServer("python-help", instructions="What Python's own modules say of themselves.")


@server.tool()
def modules() -> list[str]:
    """The modules that can be looked up."""
    return list(MODULES)


@server.tool()
def explain(name: str) -> str:
    """The documentation of a module, or of something in it.

    Args:
        name: such as `math`, `math.comb`, `str.partition`.
    """
    module, _, rest = name.partition(".")
    if module not in MODULES:
        module, rest = "builtins", name
    found: object = importlib.import_module(module)
    for part in rest.split(".") if rest else ():
        if part.startswith("_") or not hasattr(found, part):
            raise ToolError(f"there is no {name!r} in {', '.join(MODULES)}")
        found = getattr(found, part)
    return pydoc.plain(pydoc.render_doc(found, "%s"))[:8000]


if __name__ == "__main__":
    server.run()
