"""Tools of LangChain, taken as they are: the decorator's, a class's, one with a schema of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import tool as langchain_tool
from langsmith.run_helpers import get_tracing_context
from pydantic import BaseModel, Field

from banchu.agents.tools import ToolBox, from_langchain
from banchu.agents.tools.langchain import is_langchain_tool


@langchain_tool
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


@langchain_tool
async def gently(a: int) -> str:
    """Async."""
    return f"{a}, gently"


class Question(BaseModel):
    text: str = Field(description="what you want to know")


class Look(BaseTool):
    name: str = "look"
    description: str = "Looks something up."
    args_schema: type[BaseModel] = Question

    def _run(self, text: str, **_: Any) -> str:
        if text == "tracing":
            return str(get_tracing_context()["enabled"])
        if text == "boom":
            raise ValueError("boom")
        raise ToolException(f"nothing on {text}")


ANY = StructuredTool.from_function(
    func=lambda **values: json.dumps(values),
    name="any",
    description="Takes what its schema says.",
    args_schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
)


def test_its_name_description_and_schema_are_told() -> None:
    tools = [from_langchain(one) for one in (multiply, gently, Look(), ANY)]
    assert [one.name for one in tools] == ["multiply", "gently", "look", "any"]
    assert tools[0].description == "Multiply two numbers."
    schema = json.loads(tools[0].parameters)
    assert (schema["type"], schema["required"], schema["properties"]["a"]["type"]) == ("object", ["a", "b"], "integer")
    assert json.loads(tools[2].parameters)["properties"]["text"]["description"] == "what you want to know"
    assert json.loads(tools[3].parameters)["required"] == ["n"]
    assert [is_langchain_tool(one) for one in (multiply, Look, len, tools[0])] == [True, False, False, False]


@pytest.mark.parametrize(
    ("name", "arguments", "text", "outcome"),
    [
        ("multiply", '{"a": 6, "b": 7}', "42", "answered"),
        ("gently", '{"a": 1}', "1, gently", "answered"),
        ("any", '{"n": 1}', '{"n": 1}', "answered"),
        ("look", '{"text": "tracing"}', "False", "answered"),
        (
            "multiply",
            '{"a": "x"}',
            "Not run: wrong arguments for multiply: a: Input should be a valid integer",
            "bad_arguments",
        ),
        ("look", '{"text": "fish"}', "look failed: nothing on fish", "failed"),
        ("look", '{"text": "boom"}', "look failed: ValueError: boom", "failed"),
    ],
)
async def test_a_call(name: str, arguments: str, text: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    box = ToolBox([from_langchain(one) for one in (multiply, gently, Look(), ANY)])
    result = await box.call(name, arguments)
    assert (result.text[: len(text)], result.outcome) == (text, outcome)
