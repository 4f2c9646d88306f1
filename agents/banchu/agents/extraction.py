"""From a model's reply to a program, by parsing what is there.

A reply is judged for its function, not for its layout: whole modules, helpers, imports, fences or none, prose around,
methods, and bodies alone are all read. The result is a whole program with the prompt's imports and helper functions.
What is clearly meant as code and does not parse is handed on as it is: the judge then says so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from banchu.agents.body import spliced
from banchu.agents.fences import fenced_blocks, inline_code
from banchu.agents.parsing import Chunk, chunks, compiles, dedented, normalised, parse
from banchu.agents.program import assemble, defines
from banchu.core.task import Task

How = Literal["module", "method", "body", "continuation", "broken", "none"]


@dataclass(frozen=True, slots=True)
class Extraction:
    """A program found in a reply."""

    code: str | None
    """A whole program; None when nothing in the reply defines or continues the function."""
    how: How
    """What it was made from. `broken`: code that does not compile, as it was written."""


NOTHING = Extraction(None, "none")


def extract_code(reply: str, task: Task) -> Extraction:
    """The program in a chat reply. Accepts any text and never raises; a program put in again comes out the same.

    Of several definitions of the function the last one that parses and is more than a stub is taken, fenced ones
    first; what it needs from other parts of the reply is put before it.
    """
    text = normalised(reply)
    answer = text.rpartition("</think>")[2]
    found = _extract(answer, task)
    return _extract(text, task) if found.code is None and answer != text else found


def _extract(text: str, task: Task) -> Extraction:
    sources: list[list[Chunk]] = []
    for look in (_whole, _fenced, chunks, _inline):
        sources.append(look(text))
        if program := _module(sources[-1], task):
            return program
    blocks = fenced_blocks(text)[::-1]
    if body := _body(text, blocks, sources, task):
        return _checked(assemble(task.prompt, task.entry_point, body), "body")
    return _broken([*blocks, text], task) or next(_stubs(sources, task), NOTHING)


def _whole(text: str) -> list[Chunk]:
    module = parse(text)
    return [Chunk(text, module)] if module and module.body else []


def _fenced(text: str) -> list[Chunk]:
    return [chunk for block in fenced_blocks(text) for chunk in chunks(block)]


def _inline(text: str) -> list[Chunk]:
    return [chunk for code in inline_code(text) for chunk in _whole(code + "\n")]


def _module(source: Sequence[Chunk], task: Task) -> Extraction | None:
    """A program around the last chunk that defines the function, as a function or as a method."""
    for at in range(len(source) - 1, -1, -1):
        if defines(source[at], task.entry_point):
            return _program(source, at, task, "module")
    for at in range(len(source) - 1, -1, -1):
        if method := _as_function(source[at], task.entry_point):
            return _program([*source[:at], method, *source[at + 1 :]], at, task, "method")
    return None


def _program(source: Sequence[Chunk], at: int, task: Task, how: How) -> Extraction:
    others = [*source[at + 1 :], *source[:at]]  # the nearest before it wins
    return _checked(assemble(task.prompt, task.entry_point, source[at], others), how)


def _as_function(chunk: Chunk, name: str) -> Chunk | None:
    """The chunk with the method `name` of a class made a function, for `class Solution:` replies."""
    for node in chunk.module.body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name for each in node.body
        ):
            source = f"{chunk.source}\n\n{name} = {node.name}().{name}\n"
            module = parse(source)
            return Chunk(source, module) if module and not chunk.torn else None
    return None


def _body(text: str, blocks: Sequence[str], sources: Sequence[Sequence[Chunk]], task: Task) -> Chunk | None:
    """The prompt's function around lines that can only be its body.

    Where the reply holds a head of its own, loose lines are parts of that function, and only an echo of the prompt
    (a stub) leaves the body to be found elsewhere.
    """
    places = [*blocks, text]
    if not _head(task).search(text):
        places += [chunk.source for chunk in reversed(sources[2])]
    elif not any(defines(chunk, task.entry_point, stub=True) for source in sources for chunk in source):
        return None
    return next((body for place in places if (body := spliced(task, place))), None)


def _stubs(sources: Sequence[Sequence[Chunk]], task: Task) -> Iterator[Extraction]:
    for source in sources:
        for at in range(len(source) - 1, -1, -1):
            if defines(source[at], task.entry_point, stub=True):
                yield _program(source, at, task, "module")


def _broken(texts: Sequence[str], task: Task) -> Extraction | None:
    """The first text with a head of the function, from where its code begins.

    What is left when the lines around it are gone is read once more: it may parse after all.
    """
    for text in texts:
        lines = text.strip("\n").split("\n")
        start = next((at for at, line in enumerate(lines) if _CODE.match(line)), 0)
        end = next((at for at, line in enumerate(lines) if at > start and _FENCE.match(line)), len(lines))
        code = "\n".join(dedented(lines[start:end])).rstrip() + "\n"
        if not _head(task).search(code):
            continue
        found = Extraction(code, "broken") if code == text else _extract(code, task)
        if found.code is not None and not (found.how == "broken" and compiles(code)):
            return found
    return None


def _checked(code: str, how: How) -> Extraction:
    return Extraction(code, how if compiles(code) else "broken")


def _head(task: Task) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{re.escape(task.entry_point)}\b", re.MULTILINE)


_CODE = re.compile(r"[ \t]*(?:(?:async[ \t]+def|def|class|import|from)\b|@\w)")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)|.*</think>")
