"""Bodies without a head: lines that continue the prompt's function, in whatever indent they came."""

from __future__ import annotations

import ast

from banchu.agents.parsing import Chunk, leading_space, parse
from banchu.core.task import Task


def body_indent(task: Task) -> str:
    """The indent of the function's body in the prompt."""
    module = parse(task.prompt)
    lines = task.prompt.split("\n")
    for node in module.body if module else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == task.entry_point:
            return leading_space(lines[node.body[0].lineno - 1]) or "    "
    return "    "


def spliced(task: Task, text: str) -> Chunk | None:
    """The prompt with `text` as its function's body; None unless all of it fits and it returns or yields something."""
    head = task.prompt.rstrip("\n").split("\n")
    for lines in layouts(text):
        body = reindented(lines, body_indent(task))
        if body is None:
            continue
        source = "\n".join([*head, *body]) + "\n"
        module = parse(source)
        if module and _answers(module, task.entry_point, len(head)):
            return Chunk(source, module)
    return None


def layouts(text: str) -> list[list[str]]:
    """The lines as they are, and with the first line moved in line with the rest: replies often lose its indent."""
    lines = text.strip("\n").rstrip().split("\n")
    rest = [leading_space(line) for line in lines[1:] if line.strip()]
    least = min(rest, key=len, default="")
    moved = [least + lines[0].lstrip(" \t"), *lines[1:]]
    return [lines] if moved == lines else [lines, moved]


def reindented(lines: list[str], indent: str) -> list[str] | None:
    """The body with its first line's indent replaced by `indent`; None where it does not parse as a body.

    Lines inside a string keep their text.
    """
    old = leading_space(lines[0])
    opener = ["if True:"] if old else []
    module = parse("\n".join([*opener, *lines]) + "\n")
    if module is None:
        return None
    inside = _inside_strings(module, offset=len(opener))
    return [
        line if number in inside or not line.startswith(old) or not line.strip() else indent + line[len(old) :]
        for number, line in enumerate(lines)
    ]


def _inside_strings(module: ast.Module, offset: int) -> set[int]:
    """Numbers of the lines that begin inside a string literal."""
    found: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno and node.end_lineno > node.lineno:
            found.update(range(node.lineno - offset, node.end_lineno - offset))
    return found


def _answers(module: ast.Module, entry_point: str, head: int) -> bool:
    """Whether the new lines all lie in the function and hand a value back."""
    last = module.body[-1]
    if not isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) or last.name != entry_point:
        return False
    return any(
        isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and node.lineno > head for node in _inside(last)
    )


def _inside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST]:
    """The nodes of the function itself, without the functions inside it."""
    pending: list[ast.AST] = list(function.body)
    found: list[ast.AST] = []
    while pending:
        node = pending.pop()
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return found
