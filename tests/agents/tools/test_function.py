"""Python functions as tools: the schema that a model is told, the values that a function gets, and what is refused."""

from __future__ import annotations

import asyncio
import enum
import json
import threading
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from banchu.agents.tools import BadArguments, Tool, tool
from banchu.core.errors import ConfigError


class Point(pydantic.BaseModel):
    x: int
    y: int = 0


class Named(TypedDict):
    name: str


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@tool
def everything(
    text: str,
    count: Annotated[int, pydantic.Field(ge=1, le=9)] = 1,
    kind: Literal["a", "b"] = "a",
    tags: list[str] | None = None,
    point: Point = Point(x=0),  # noqa: B008
    named: Named | None = None,
    colour: Colour = Colour.RED,
    json: bool = False,
) -> dict[str, Any]:
    """Show what came.

    In two paragraphs.

    Args:
        text: what is said,
            in two lines.
        count (int): how many: a number.

    Returns:
        What is no business of the model's.
    """
    return {"text": text, "count": count, "kind": kind, "tags": tags, "point": point, "colour": colour, "json": json}


async def run(tool: Tool, **arguments: Any) -> str:
    return await tool.call(arguments)


def test_the_schema_is_the_signature() -> None:
    schema = json.loads(everything.parameters)
    told = schema["properties"]
    assert everything.name == "everything"
    assert everything.description == "Show what came.\n\nIn two paragraphs."
    assert schema["required"] == ["text"]
    assert schema["additionalProperties"] is False
    assert told["text"] == {"type": "string", "description": "what is said, in two lines."}
    assert told["count"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "default": 1,
        "description": "how many: a number.",
    }
    assert told["kind"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert set(schema["$defs"]) == {"Point", "Named", "Colour"}
    assert list(told) == ["text", "count", "kind", "tags", "point", "named", "colour", "json"]


async def test_a_function_gets_what_its_types_say() -> None:
    told = await run(everything, text="t", count="3", point={"x": 1}, colour="blue", json=True)
    assert json.loads(told) == {
        "text": "t",
        "count": 3,
        "kind": "a",
        "tags": None,
        "point": {"x": 1, "y": 0},
        "colour": "blue",
        "json": True,
    }
    seen: list[Any] = []

    @tool
    def look(point: Point, colour: Colour, many: tuple[int, ...] = (1,)) -> None:
        """Look."""
        seen.extend((point, colour, many))

    assert await run(look, point={"x": 2}, colour="red") == "(no result)"
    assert seen == [Point(x=2), Colour.RED, (1,)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "text: Field required"),
        ({"text": 1}, "text: Input should be a valid string"),
        ({"text": "t", "count": 10}, "count: Input should be less than or equal to 9"),
        ({"text": "t", "kind": "c"}, "kind: Input should be 'a' or 'b'"),
        ({"text": "t", "point": {"x": "?"}}, "point.x: Input should be a valid integer"),
        ({"text": "t", "colour": "green", "more": 1}, "colour: .*; more: Extra inputs are not permitted"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_one_by_one(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BadArguments, match=said):
        await everything.call(arguments)


async def test_async_functions_and_threads() -> None:
    threads: list[str] = []

    @tool
    async def here(n: int) -> int:
        """Async."""
        await asyncio.sleep(0)
        threads.append(threading.current_thread().name)
        return n + 1

    @tool(name="there", description="Not async.")
    def elsewhere(n: int) -> str:
        threads.append(threading.current_thread().name)
        return f"{n}"

    @tool
    def later(n: int) -> Any:
        """Gives something to wait for."""
        return here.run({"n": n})

    assert [await run(here, n=1), await run(elsewhere, n=1), await run(later, n=1)] == ["2", "1", "2"]
    assert threads == ["MainThread", "banchu-tool", "MainThread"]
    assert elsewhere(5) == "5"  # still a function
    assert await here(1) == 2


def test_options_are_the_tool_s() -> None:
    @tool(name="n", description="d", oracle=True, timeout_s=2, max_characters=200, max_calls=3)
    def f(a: int) -> int:
        return a

    assert (f.name, f.description, f.oracle) == ("n", "d", True)
    assert (f.limits.timeout_s, f.limits.max_characters, f.limits.max_calls) == (2, 200, 3)
    assert f.offer.parameters == f.parameters


def varied(*values: int) -> int:
    """V."""
    return sum(values)


def named(**values: int) -> int:
    """N."""
    return sum(values.values())


def positional(a: int, /) -> int:
    """P."""
    return a


def untyped(a, b: int = 1):  # type: ignore[no-untyped-def]
    """U."""


def unresolved(a: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """W."""


def callback(a: Callable[[int], int]) -> None:
    """C."""


def odd(a: threading.Lock) -> None:
    """O."""


def silent(a: int) -> int:
    return a


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (varied, "tool 'varied' takes [*]values; name each argument, with its type"),
        (named, "takes [*]values"),
        (positional, "'a' can only be given by position; take the / out"),
        (untyped, "tool 'untyped': argument 'a' has no type; write a: str"),
        (unresolved, "tool 'unresolved': its annotations cannot be read .*Nowhere"),
        (callback, "tool 'callback': no JSON Schema can be made of an argument's type"),
        (odd, "tool 'odd': no JSON Schema can be made of an argument's type"),
        (silent, "tool 'silent' has no docstring; say in one what it is for"),
        (Point, "@tool takes a function, not"),
        ("text", "@tool takes a function, not 'text'"),
        (lambda: 1, "tool '<lambda>' has no docstring"),
    ],
)
def test_a_signature_that_cannot_be_told_is_refused(function: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        tool(function)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout_s": 0}, "timeout_s 0 must be a number of seconds above 0"),
        ({"timeout_s": "2"}, "timeout_s '2'"),
        ({"max_characters": 5}, "max_characters 5 must be a whole number, 100 at least"),
        ({"max_calls": 0}, "max_calls 0 must be a whole number, 1 at least"),
        ({"name": "a b"}, "name 'a b' must be 1 to 64 letters"),
        ({"description": " "}, "no description"),
    ],
)
def test_options_that_are_none_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        tool(**options)(silent if "description" in options else positional_free)


def positional_free(a: int) -> int:
    """Fine."""
    return a


def test_another_function_is_another_tool() -> None:
    def one(a: int) -> int:
        """Same."""
        return a

    def other(a: int) -> int:
        """Same."""
        return a + 1

    made = [tool(name="t")(function) for function in (one, one, other)]
    assert made[0].digest == made[1].digest != made[2].digest
    assert tool(name="t", oracle=True)(one).digest != made[0].digest


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.none() | st.integers() | st.text() | st.lists(st.integers()))
)
def test_any_arguments_are_taken_or_refused(arguments: dict[str, Any]) -> None:
    @tool
    async def f(a: int, b: str = "x") -> str:
        """F."""
        assert type(a) is int
        assert type(b) is str
        return "ran"

    try:
        found = asyncio.run(f.call(arguments))
    except BadArguments as error:
        found = str(error)
    assert found
    fits = type(arguments.get("a")) is int and isinstance(arguments.get("b", ""), str) and "c" not in arguments
    assert not fits or found == "ran"
