"""The examples that a prompt shows, as assert statements.

Taken are `>>>` examples, and calls in the text with the value behind an arrow, an equals sign or "returns", where both
are Python literals and nothing goes on behind the value. They come from the public prompt and from nowhere else; where
a prompt is wrong, so are they.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from banchu.core.calls import literal, written_calls
from banchu.core.source import parse, parse_expression


def prompt_examples(prompt: str, entry_point: str) -> tuple[str, ...]:
    """`assert f(x) == y` for each example that calls `entry_point`. `prompt` must parse."""
    text = _documentation(prompt, entry_point)
    asserts: list[str] = []
    for expression, shown in _doctests(text):
        call = _expression(expression)
        value = _literal(shown)
        if call is None or value is None or not _names(call, entry_point):
            continue
        asserts.append(f"assert {ast.unparse(call)} == {ast.unparse(value)}")
    return tuple(dict.fromkeys([*asserts, *_in_words(text, entry_point)]))


def _in_words(text: str, entry_point: str) -> Iterator[str]:
    """Examples that are no doctests: `f(3) ==> 12`, `f(3) should return 12`."""
    for call in written_calls(text, entry_point):
        line = text[call.end :].split("\n", 1)[0]
        arrow = _ARROW.match(line)
        value = _value(line[arrow.end() :]) if arrow else None
        if value is not None:
            yield f"assert {call.text} == {value}"


def _value(text: str) -> str | None:
    """The literal that a text begins with, unless it goes on: `1 + 9` is no 1."""
    text = text.strip()[:_LONGEST]
    for end in range(len(text), 0, -1):
        # From the longest on, so that `2.5` is not read as 2.
        value = literal(_NAMES.get(text[:end].strip().rstrip("."), text[:end]))
        if value is not None:
            return ast.unparse(value) if _BEHIND.match(text[end:]) else None
    return None


_ARROW = re.compile(r"\s*(?:#\s*)?(?:={1,3}>|->|-->|➞|==?|should (?:return|be equal to|be)|returns?)\s*", re.IGNORECASE)
_BEHIND = re.compile(r"\s*(?:$|[.,;#(]|(?:since|because|as|for|and|the)\b|\.\s)", re.IGNORECASE)
_LONGEST = 500
"""Characters of a value in words; each is tried as its end."""
_NAMES = {"true": "True", "false": "False", "null": "None"}
"""How prompts that are not careful write Python's constants."""


def _documentation(prompt: str, entry_point: str) -> str:
    """The docstring, with its escapes resolved; the whole prompt where the text stands elsewhere in the function."""
    for node in parse(prompt).body:
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
        return parse_expression(source)
    except (SyntaxError, ValueError):
        return None


def _literal(shown: list[str]) -> ast.expr | None:
    """The value in all lines, or in the first where prose follows it without a blank line."""
    return next((value for text in ("\n".join(shown), "".join(shown[:1])) if (value := literal(text))), None)


def _names(tree: ast.expr, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
