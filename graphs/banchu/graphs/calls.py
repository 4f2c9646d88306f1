"""Calls of a task's function that its prompt shows, in examples that could be read as tests and in plain words."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from banchu.core.calls import written_calls
from banchu.core.source import parse
from banchu.core.task import Task


def shown_calls(task: Task) -> tuple[str, ...]:
    """The calls that the prompt shows, each once and on one line; nothing of what they should give."""
    in_words = (call.text for call in written_calls(task.prompt, task.entry_point))
    return calls_of([*task.examples, *in_words], task.entry_point)


def calls_of(statements: Sequence[str], entry_point: str) -> tuple[str, ...]:
    """The calls of `entry_point` in statements such as asserts, each once and on one line."""
    found: dict[str, None] = {}
    for statement in statements:
        for node in ast.walk(parse(statement)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry_point:
                found[ast.unparse(node)] = None
    return tuple(found)
