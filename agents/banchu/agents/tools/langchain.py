"""A tool of LangChain as one of ours. Nothing of LangChain is imported before one is there."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pydantic

from banchu.agents.tools.function import as_text
from banchu.agents.tools.tool import BadArguments, Tool, ToolFailed, ToolLimits
from banchu.core.errors import ConfigError
from banchu.core.loading import said


def is_langchain_tool(found: object) -> bool:
    """Whether an object is a `BaseTool`, told without importing it."""
    return not isinstance(found, type) and any(
        base.__module__ == "langchain_core.tools.base" and base.__name__ == "BaseTool" for base in type(found).__mro__
    )


def from_langchain(inner: Any, *, oracle: bool = False, limits: ToolLimits | None = None) -> Tool:
    """The tool as it is: name, description and schema are its own. Raises ConfigError where it has no schema."""
    from langchain_core.utils.function_calling import convert_to_openai_tool

    try:
        told = convert_to_openai_tool(inner)["function"]
    except Exception as error:  # noqa: BLE001  # schemas are the tool's own code
        raise ConfigError(
            f"LangChain tool {inner.name!r} has no schema that a model can be told: {said(error)}"
        ) from None
    schema = {"type": "object", "properties": {}, **told.get("parameters", {})}
    version = f"{type(inner).__module__}.{type(inner).__qualname__}"
    run = partial(_run, inner)
    return Tool(
        inner.name, told.get("description", ""), json.dumps(schema), run, oracle, limits or ToolLimits(), version
    )


async def _run(inner: Any, arguments: dict[str, Any]) -> str:
    from langchain_core.tools import ToolException
    from langsmith import tracing_context  # comes with LangChain

    try:
        # LangSmith's variables in somebody's shell are no wish to send these calls anywhere.
        with tracing_context(enabled=False):
            result = await inner.ainvoke(arguments)
    except pydantic.ValidationError as error:
        told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
        raise BadArguments("; ".join(told)) from None
    except ToolException as error:
        raise ToolFailed(str(error)) from None
    return as_text(getattr(result, "content", result))
