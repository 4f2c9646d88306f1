"""What an MCP server says of a tool and of a call, as a tool and as text. Pictures and sound are named, not shown."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from banchu.agents.tools.tool import Tool, ToolFailed, ToolLimits


def tool_of(
    told: Any,
    run: Callable[[dict[str, Any]], Awaitable[str]],
    prefix: str,
    limits: ToolLimits,
    version: str,
    oracle: bool = False,
    stateless: bool = False,
) -> Tool:
    """A tool of `mcp`'s `Tool`. In a name all that APIs do not take becomes `_`. Raises ConfigError.

    Its annotations are hints, and of what a call changes, not of what it remembers: nothing is concluded from them.
    """
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{prefix}{told.name}")
    schema = {"properties": {}, **told.input_schema, "type": "object"}
    description = told.description or told.title or told.name
    return Tool(name, description, json.dumps(schema), run, oracle, limits, version, stateless=stateless)


def read_result(result: Any) -> str:
    """The text of a `CallToolResult`. Raises ToolFailed where it says that the call failed."""
    parts = [_block(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(parts) or "(no result)"
    if result.is_error:
        raise ToolFailed(text)
    return text


def _block(block: Any) -> str:
    if block.type == "text":
        return str(block.text)
    if block.type in ("image", "audio"):
        return f"[{block.mime_type}, not shown]"
    if block.type == "resource_link":
        return f"[{block.uri}]"
    resource = getattr(block, "resource", None)
    text = getattr(resource, "text", None)
    return str(text) if text is not None else f"[{getattr(resource, 'uri', block.type)}, not shown]"
