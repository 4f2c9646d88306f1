"""`@tool`: a typed Python function as a tool. The schema of its arguments is pydantic's, from the signature."""

from __future__ import annotations

import hashlib
import inspect
import json
import typing
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, overload

import pydantic
import pydantic_core

from banchu.agents.tools.docstring import read_docstring
from banchu.agents.tools.threads import in_thread
from banchu.agents.tools.tool import BadArguments, Tool, ToolLimits
from banchu.core.errors import ConfigError

_Function = Callable[..., Any]


@overload
def tool(function: _Function, /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    oracle: bool = False,
    timeout_s: float = 30.0,
    max_characters: int = 8000,
    max_calls: int | None = None,
    stateless: bool = False,
) -> Callable[[_Function], Tool]: ...
def tool(
    function: _Function | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    oracle: bool = False,
    timeout_s: float = 30.0,
    max_characters: int = 8000,
    max_calls: int | None = None,
    stateless: bool = False,
) -> Tool | Callable[[_Function], Tool]:
    """A function as a tool: `@tool`, or `@tool(oracle=True, timeout_s=5)`.

    The function may be async; one that is not runs in a thread. Every argument needs a type. What it returns is told as
    text: a string as it is, all else as JSON. What it raises the model is told, in one line.

    Args:
        name: None: the function's.
        description: None: its docstring up to the first section.
        stateless: it keeps nothing from one call to another, in itself or on a disk; see `Tool`.

    Raises:
        ConfigError: a signature that no schema can be made of, or nothing to tell a model.
    """
    limits = ToolLimits(timeout_s, max_characters, max_calls)
    said = partial(_tool, name=name, description=description, oracle=oracle, limits=limits, stateless=stateless)
    return said if function is None else said(function)


def _tool(
    function: _Function, *, name: str | None, description: str | None, oracle: bool, limits: ToolLimits, stateless: bool
) -> Tool:
    if not callable(function) or isinstance(function, type):
        raise ConfigError(f"@tool takes a function, not {function!r:.80}")
    name = name or str(getattr(function, "__name__", ""))
    told, arguments = read_docstring(function)
    if not (description or told):
        raise ConfigError(f"tool {name!r} has no docstring; say in one what it is for, or give @tool a description")
    model, names = _model(function, name, arguments)
    return Tool(
        name=name,
        description=description or told,
        parameters=json.dumps(_schema(model, name)),
        run=partial(_run, function, model, names),
        oracle=oracle,
        limits=limits,
        version=_version(function),
        function=function,
        stateless=stateless,
    )


def _model(function: _Function, name: str, told: dict[str, str]) -> tuple[type[pydantic.BaseModel], dict[str, str]]:
    """(the arguments as a model, the argument that each of its fields stands for)."""
    try:
        types = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except Exception as error:  # noqa: BLE001  # annotations are code of the user's
        raise ConfigError(f"tool {name!r}: its annotations cannot be read ({error})") from None
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for number, parameter in enumerate(parameters):
        _check(parameter, types, name)
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        said: dict[str, Any] = {"description": told[parameter.name]} if told.get(parameter.name) else {}
        # Under names of its own: an argument may be called `json` or `_x`, which a field may not.
        field = f"argument_{number}"
        fields[field] = (types[parameter.name], pydantic.Field(default, alias=parameter.name, **said))
        names[field] = parameter.name
    try:
        config = pydantic.ConfigDict(extra="forbid", validate_default=False)
        return pydantic.create_model(name, __config__=config, **fields), names
    except (pydantic.PydanticUserError, pydantic_core.SchemaError, TypeError, NameError) as error:
        raise ConfigError(f"tool {name!r}: {_no_schema(error)}") from None


def _check(parameter: inspect.Parameter, types: dict[str, Any], name: str) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise ConfigError(f"tool {name!r} takes *{parameter.name}; name each argument, with its type")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise ConfigError(f"tool {name!r}: {parameter.name!r} can only be given by position; take the / out")
    if parameter.name not in types:
        raise ConfigError(
            f"tool {name!r}: argument {parameter.name!r} has no type; write {parameter.name}: str, or int"
        )


def _schema(model: type[pydantic.BaseModel], name: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a default that is no JSON is left out, which is right
            schema = model.model_json_schema()
    except pydantic.PydanticUserError as error:
        raise ConfigError(f"tool {name!r}: {_no_schema(error)}") from None
    schema = {key: value for key, value in schema.items() if key not in ("title", "description")}
    for told in schema.get("properties", {}).values():
        told.pop("title", None)
    return {"properties": {}, **schema}


def _no_schema(error: Exception) -> str:
    first = str(error).splitlines()[0]
    return (
        f"no JSON Schema can be made of an argument's type ({first}); use str, int, float, bool, list or dict of these"
    )


async def _run(
    function: _Function, model: type[pydantic.BaseModel], names: dict[str, str], arguments: dict[str, Any]
) -> str:
    try:
        read = model.model_validate(arguments)
    except pydantic.ValidationError as error:
        raise BadArguments(_wrong(error)) from None
    given = {names[field]: getattr(read, field) for field in read.model_fields_set}
    if inspect.iscoroutinefunction(function):
        return as_text(await function(**given))
    result = await in_thread(partial(function, **given))
    return as_text(await result if inspect.isawaitable(result) else result)


def _wrong(error: pydantic.ValidationError) -> str:
    """Every argument that does not fit, with why."""
    found = [
        f"{'.'.join(str(part) for part in each['loc']) or 'arguments'}: {each['msg']}"
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "; ".join(found[:8]) + ("; ..." if len(found) > 8 else "")


def as_text(result: Any) -> str:
    """What a model is told of a result: text as it is, all else as JSON."""
    if isinstance(result, str):
        return result
    return "(no result)" if result is None else pydantic_core.to_json(result, fallback=str).decode()


def _version(function: _Function) -> str:
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]
    except (OSError, TypeError):
        return ""
