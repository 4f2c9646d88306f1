"""The examples that a prompt shows, as assert statements.

Only `>>>` examples whose value is a Python literal are taken: no other form is unambiguous. They come from the public
prompt and from nowhere else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def prompt_examples(prompt: str, entry_point: str) -> tuple[str, ...]:
    """`assert f(x) == y` for each doctest example that calls `entry_point`. `prompt` must parse."""
    asserts: list[str] = []
    for expression, shown in _doctests(_documentation(prompt, entry_point)):
        call = _expression(expression)
        value = _literal(shown)
        if call is None or value is None or not _names(call, entry_point):
            continue
        asserts.append(f"assert {ast.unparse(call)} == {ast.unparse(value)}")
    return tuple(dict.fromkeys(asserts))


def _documentation(prompt: str, entry_point: str) -> str:
    """The docstring, with its escapes resolved; the whole prompt where the text stands elsewhere in the function."""
    for node in ast.parse(prompt).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point:
            return ast.get_docstring(node) or prompt
    return prompt


def _doctests(text: str) -> Iterator[tuple[str, list[str]]]:
    """(source, lines of the value) of each `>>>` example.

    Not `doctest.DocTestParser`: it rejects a whole docstring for one line that is indented oddly.
    """
    lines = [line.strip() for line in text.split("\n")]
    for start, line in enumerate(lines):
        if not line.startswith(">>>"):
            continue
        source, end = [line[3:].strip()], start + 1
        while end < len(lines) and lines[end].startswith("..."):
            source.append(lines[end][3:])
            end += 1
        shown = end
        while end < len(lines) and lines[end] and not lines[end].startswith(">>>"):
            end += 1
        yield "\n".join(source), lines[shown:end]


def _expression(source: str) -> ast.expr | None:
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _literal(shown: list[str]) -> ast.expr | None:
    """The value in all lines, or in the first where prose follows it without a blank line."""
    for text in ("\n".join(shown), shown[0] if shown else ""):
        value = _expression(text)
        if value is None:
            continue
        try:
            ast.literal_eval(value)
        except (ValueError, TypeError):
            continue
        return value
    return None


def _names(tree: ast.expr, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
