"""A candidate program from the statements of a reply: what the entry point needs, in an order that runs.

Top-level statements that only use the function (prints, asserts, `if __name__`, reading input) are left out: they
can fail or block where the function is right. What they would compute for the function is kept.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from banchu.agents import names
from banchu.agents.parsing import Chunk, parse

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ASSIGNMENTS: Final = (ast.Assign, ast.AugAssign, ast.AnnAssign)
_LENT: Final = (*_DEFINITIONS, *_ASSIGNMENTS, ast.Import, ast.ImportFrom)
_BLOCKS: Final = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.TryStar, ast.Match)
_CALLABLES: Final = (ast.Lambda, ast.Name, ast.Attribute, ast.Call)
_SETTINGS: Final = frozenset({"setrecursionlimit", "set_int_max_str_digits", "seed"})
_BUILTINS: Final = frozenset(dir(builtins)) | {"__name__", "__file__"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One top-level statement with the comments above it."""

    node: ast.stmt
    text: str
    binds: frozenset[str]
    needs: frozenset[str]


def statements(chunk: Chunk) -> list[Statement]:
    """The top-level statements of a chunk; their texts hold every line up to the last statement."""
    lines = [line.encode("utf-8", "surrogatepass") for line in chunk.source.split("\n")]
    found: list[Statement] = []
    row, column = 0, 0
    for node, following in zip(chunk.module.body, [*chunk.module.body[1:], None], strict=True):
        end_row, end_column = (node.end_lineno or 1) - 1, node.end_col_offset or 0
        if following is None or _first_line(following) - 1 > end_row:
            end_column = len(lines[end_row])
        taken = lines[row : end_row + 1]
        taken[-1] = taken[-1][:end_column]
        taken[0] = taken[0][column:]
        text = b"\n".join(taken).decode("utf-8", "surrogatepass")
        text = text.lstrip("; \t") if column else text
        found.append(Statement(node, text, names.bound(node), names.free(text)))
        row, column = (end_row + 1, 0) if end_column == len(lines[end_row]) else (end_row, end_column)
    return found


def defines(chunk: Chunk, entry_point: str, *, stub: bool = False) -> bool:
    """Whether the chunk defines the function; only with a body that does something, unless `stub`."""
    found = [node for node in chunk.module.body if _is_definition_of(node, entry_point)]
    if not found or (chunk.torn and found[-1] is chunk.module.body[-1] and not _is_finished(found[-1])):
        return False
    return stub or not all(is_stub(node) for node in found)


def is_stub(node: ast.stmt) -> bool:
    """A function whose body says nothing: docstring, imports, `pass`, `...`, `raise NotImplementedError`."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(
        isinstance(each, ast.Pass | ast.Import | ast.ImportFrom)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        or (isinstance(each, ast.Raise) and names.used(each) & {"NotImplementedError", "NotImplemented"})
        for each in node.body
    )


def assemble(prompt: str, entry_point: str, chosen: Chunk, others: Sequence[Chunk] = ()) -> str:
    """The whole program: the prompt's imports and helpers, what is borrowed from `others`, and `chosen`.

    What the reply defines itself wins over the prompt's, but for a helper that it only repeats as a stub. Of two
    definitions in `others` the later one is borrowed.
    """
    given = _prompt_statements(prompt, entry_point)
    helpers = {name for each in given if not is_stub(each.node) for name in each.binds} - {entry_point}
    useful = _useful(statements(chosen), entry_point)
    kept = [each for each in useful if not (is_stub(each.node) and each.binds <= helpers)]
    borrowed = _borrowed(kept, [each for chunk in others for each in statements(chunk)], entry_point)
    own = {name for each in (*borrowed, *kept) for name in each.binds}
    texts = {each.text.strip() for each in kept}
    above = [each for each in given if (not each.binds <= own if each.binds else each.text.strip() not in texts)]
    return _joined([*above, *borrowed, *kept])


def _prompt_statements(prompt: str, entry_point: str) -> list[Statement]:
    for source in (prompt, f"{prompt}\n    pass\n"):
        if module := parse(source):
            found = statements(Chunk(source, module))
            return [each for each in found if not _is_definition_of(each.node, entry_point)]
    return []


def _useful(found: list[Statement], entry_point: str) -> list[Statement]:
    """The statements that define something, and those that the definitions need when they run."""
    live = {entry_point}
    for each in found:
        if isinstance(each.node, _DEFINITIONS):
            live |= names.used_at_definition(each.node)
    size = -1
    while size != len(live):
        size = len(live)
        for each in found:
            if (each.binds | names.mutated(each.node)) & live:
                live |= each.needs
    return [each for each in found if _keeps(each, live, entry_point)]


def _keeps(each: Statement, live: set[str], entry_point: str) -> bool:
    node = each.node
    if isinstance(node, (*_DEFINITIONS, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, _ASSIGNMENTS):
        return not each.needs or bool((each.binds | names.mutated(node)) & live)
    if entry_point in names.used(node) and entry_point not in each.binds:
        return False
    if isinstance(node, _BLOCKS):
        return "__name__" not in names.used(node) and bool((each.binds | names.mutated(node)) & live)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        return isinstance(called, ast.Attribute) and (called.attr in _SETTINGS or bool(names.mutated(node) & live))
    return type(node).__name__ == "TypeAlias"


def _borrowed(kept: list[Statement], pool: list[Statement], entry_point: str) -> list[Statement]:
    """The definitions in `pool` that `kept` needs and does not hold, and what they need in turn, in order."""
    lent = {
        name: index
        for index, each in enumerate(pool)
        if isinstance(each.node, _LENT) and entry_point not in each.binds and not is_stub(each.node)
        for name in each.binds
    }
    taken: set[int] = set()
    while True:
        holds = [*kept, *(pool[index] for index in sorted(taken))]
        missing = {name for each in holds for name in each.needs} - _BUILTINS
        missing -= {name for each in holds for name in each.binds}
        fresh = {lent[name] for name in missing if name in lent} - taken
        if not fresh:
            return holds[len(kept) :]
        taken |= fresh


def _joined(parts: Iterable[Statement]) -> str:
    """One program; `from __future__` imports come first wherever they stood."""
    ordered = sorted(parts, key=lambda each: not _is_future(each.node))
    return "\n".join(each.text for each in ordered).strip("\n") + "\n" if ordered else ""


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_definition_of(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.If | ast.Try):
        demo = isinstance(node, ast.If) and "__name__" in names.used(node.test)
        return not demo and any(_binds_callable(each, name) for each in names.own_scope(node))
    return _binds_callable(node, name)


def _binds_callable(node: ast.AST, name: str) -> bool:
    if isinstance(node, _DEFINITIONS):
        return node.name == name
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, _CALLABLES):
        # `f = f(3)` uses the function; `f = lambda x: ...`, `f = g`, `f = A().f` and `f = cache(g)` define it.
        return name in names.bound(node) and name not in names.used(node.value)
    return False


def _is_finished(node: ast.stmt) -> bool:
    """Whether what follows inside the function could never run."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and isinstance(
        node.body[-1], ast.Return | ast.Raise
    )


def _first_line(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
    return min([node.lineno, *(each.lineno for each in decorators)])
