"""Forms of calls that are neither JSON nor tags: Python's own (LFM2), and Gemma's. Read, never run."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, Final

from banchu.core.lenient import Unreadable, read_value
from banchu.core.source import parse

_LONGEST: Final = 100_000
_QUOTED: Final = re.compile(r'<\|"\|>(.*?)<\|"\|>', re.DOTALL)


def read_python(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls in `[name(key=value), ...]`, where all values are literals. Raises Unreadable."""
    if len(text) > _LONGEST:
        raise Unreadable(f"more than {_LONGEST} characters")
    try:
        body = parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise Unreadable("a list of calls was expected")
    value = body[0].value
    return [_call(each) for each in (value.elts if isinstance(value, ast.List) else [value])]


def _call(node: ast.expr) -> tuple[str, dict[str, Any]]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise Unreadable("a call with named arguments was expected")
    try:
        values = {each.arg: ast.literal_eval(each.value) for each in node.keywords if each.arg}
        json.dumps(values)
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise Unreadable("an argument is no literal") from None
    return node.func.id, values


def read_gemma(text: str) -> Any:
    """The value of `{key:<|"|>text<|"|>,other:2}`. Raises Unreadable."""
    return read_value(_QUOTED.sub(lambda found: json.dumps(found[1], ensure_ascii=False), text[:_LONGEST]))[0]
