"""Tools that a model may call: made, found, offered, called.

    @tool
    def add(a: int, b: int) -> int:
        "Add two numbers."
        return a + b

Nothing of MCP or LangChain is imported before one of theirs is used. See docs/tools.md.
"""

from banchu.agents.tools.function import tool
from banchu.agents.tools.langchain import from_langchain
from banchu.agents.tools.mcp_server import McpOptions, McpServer
from banchu.agents.tools.sources import from_mcp, from_spec, opened
from banchu.agents.tools.talk import Talk, Toolset
from banchu.agents.tools.toml_file import ToolFile, from_toml
from banchu.agents.tools.tool import BadArguments, Tool, ToolFailed, ToolLimits
from banchu.agents.tools.toolbox import BoxLimits, ToolBox, ToolResult

__all__ = [
    "BadArguments",
    "BoxLimits",
    "McpOptions",
    "McpServer",
    "Talk",
    "Tool",
    "ToolBox",
    "ToolFailed",
    "ToolFile",
    "ToolLimits",
    "ToolResult",
    "Toolset",
    "from_langchain",
    "from_mcp",
    "from_spec",
    "from_toml",
    "opened",
    "tool",
]
