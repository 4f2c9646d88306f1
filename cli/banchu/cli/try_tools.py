"""Tools as a model would meet them: what it is told of each, and what one call gives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Final

import typer

from banchu.agents.tools.sources import installed
from banchu.cli.output import print_json, print_table
from banchu.core.errors import ConfigError, unknown
from banchu.core.tool_record import ToolCallRecord
from banchu.experiments.tools.builtin import BUILT_IN, BuiltIn
from banchu.experiments.tools.cells import Folder, Interpreter, Pool
from banchu.experiments.tools.kit import NOTHING, Kit, started
from banchu.experiments.tools.options import ToolOptions, wanted

_OF_A_RUN: Final = {
    "run_visible_tests": "the examples of a task",
    "ask_model": "the model of a run",
    "search_memory": "what a run remembers",
}


async def list_tools(options: ToolOptions, *, as_json: bool) -> None:
    """Print each: of the options, or without any banchu's own and those that are installed."""
    if not options.said:
        options = replace(options, tools=(*BUILT_IN, *installed()))
    async with _kit(options) as kit:
        own = {part.name for part in kit.parts if isinstance(part, BuiltIn)}
        found = kit.sample.tools
    if as_json:
        print_json([{**asdict(tool.offer), "built_in": tool.name in own, "oracle": tool.oracle} for tool in found])
        return
    marks = [("built in" if tool.name in own else "", "ORACLE" if tool.oracle else "") for tool in found]
    rows = [
        (t.name, t.description, ", ".join(filter(None, mark)) or None) for t, mark in zip(found, marks, strict=True)
    ]
    print_table(("tool", "what a model is told", ""), rows)


async def try_tool(options: ToolOptions, name: str, arguments: str, isolation: str, *, as_json: bool) -> None:
    """Print what one call gives. Exits 1 where it is no answer."""
    sole = not options.said
    if sole:
        options = replace(options, tools=(name,))
    async with _kit(options) as kit:
        names = [tool.name for tool in kit.sample.tools]
        called = names[0] if sole and len(names) == 1 else name
        if called not in names:
            raise unknown("tool", name, names)
        if called in _OF_A_RUN and any(isinstance(part, BuiltIn) and part.name == called for part in kit.parts):
            raise ConfigError(f"{called} works on {_OF_A_RUN[called]}; try it in a run: --arms tools --tools {called}")
        record = await _called(kit, called, arguments, isolation)
    if as_json:
        print_json(asdict(record))
    else:
        print(record.result)
        print(f"[{called}: {record.outcome}, {record.wall_s:.2f} s]")
    if record.outcome != "answered":
        raise typer.Exit(1)


async def _called(kit: Kit, name: str, arguments: str, isolation: str) -> ToolCallRecord:
    pool, session, folder, made = Pool(isolation), Interpreter(isolation), Folder(isolation), list[ToolCallRecord]()
    box = kit.box(replace(NOTHING, cell=pool, session=session, workspace=folder), sink=made.append)
    try:
        await box.call(name, arguments)
    finally:
        for each in (folder, session, pool):
            await each.aclose()
    return made[0]


@contextlib.asynccontextmanager
async def _kit(options: ToolOptions) -> AsyncIterator[Kit]:
    found, limits = wanted(options)
    async with started(found) as parts:
        yield Kit(parts, limits, {})
