"""What to search for: the assertions of a hidden check, in the spellings that a leak would have."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from banchu.core.source import parse

MIN_LENGTH: Final = 10
"""Assertions with fewer normalised characters are not searched for: too common in innocent text."""

_SPACE_BESIDE_SIGN: Final = re.compile(r"(?<!\w) | (?!\w)")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r"}
_LEVELS: Final = 3
"""Strings in strings: JSON that is a field of JSON, quoted once more."""


@dataclass(frozen=True, slots=True)
class Needle:
    """One hidden assertion, normalised."""

    forms: tuple[str, ...]
    """Spellings of the whole tested expression."""
    pairs: tuple[tuple[str, str], ...]
    """(call, expected value), to be found next to each other."""


def normalise(text: str) -> str:
    """`text` with one kind of quote and without the spaces that Python does not need; words stay apart."""
    return _SPACE_BESIDE_SIGN.sub("", " ".join(text.replace('"', "'").split()))


def readings(text: str) -> Iterator[str]:
    """`text` as it stands, and as what it says where it is, or holds, a string of JSON or a `repr`: a tool that returns
    a row of a data set returns its tests so."""
    yield text
    for _ in range(_LEVELS):
        if "\\" not in text:
            return
        text = _ESCAPE.sub(_unescaped, text)
        yield text


def _unescaped(escape: re.Match[str]) -> str:
    code, mark = escape.groups()
    return chr(int(code, 16)) if code else _ESCAPED.get(mark, mark)


def hidden_assertions(check: str, entry_point: str) -> tuple[Needle, ...]:
    """One needle for each distinct assertion of `check` that says anything. `check` must parse."""
    needles: dict[str, Needle] = {}
    for node in ast.walk(parse(check)):
        if not isinstance(node, ast.Assert):
            continue
        test = _Renamed(entry_point).visit(copy.deepcopy(node.test))
        canonical = normalise(ast.unparse(test))
        if _says_nothing(test) or len(canonical) < MIN_LENGTH:
            continue
        written = re.sub(r"\bcandidate\b", entry_point, ast.get_source_segment(check, node.test) or "")
        forms = (canonical, normalise(written), *_swapped(test), *_bare(test))
        pairs = tuple(
            (normalise(ast.unparse(call)), normalise(ast.unparse(expected)))
            for call, expected in _pairs(test)
            if _calls(call, entry_point)
        )
        if isinstance(test, ast.Call | ast.UnaryOp):
            forms = tuple(form for form in forms if form.startswith(("assert", "not")))
        needles.setdefault(canonical, Needle(tuple(dict.fromkeys(form for form in forms if form)), pairs))
    return tuple(needles.values())


class _Renamed(ast.NodeTransformer):
    """The check's name for the function under test becomes the public one."""

    def __init__(self, entry_point: str) -> None:
        self._entry_point = entry_point

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._entry_point, node.ctx) if node.id == "candidate" else node


def _says_nothing(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) or not any(isinstance(node, ast.Call) for node in ast.walk(test))


def _swapped(test: ast.expr) -> Iterator[str]:
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and len(test.ops) == 1:
        yield normalise(f"{ast.unparse(test.comparators[0])} == {ast.unparse(test.left)}")


def _bare(test: ast.expr) -> Iterator[str]:
    """`assert f(x)`: the call alone is no secret, so the keyword belongs to the needle."""
    if isinstance(test, ast.Call):
        yield normalise(f"assert {ast.unparse(test)}")


def _pairs(test: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(call, expected value) where the assertion compares one with the other."""
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            yield left, right
            yield right, left
        case ast.Call():
            yield test, ast.Constant(True)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call):
            yield call, ast.Constant(False)
    match test:
        case ast.Compare(
            left=ast.Call(func=ast.Name("abs") | ast.Attribute(attr="fabs"), args=[ast.BinOp(left, ast.Sub(), right)]),
            ops=[ast.Lt() | ast.LtE()],
        ):
            yield left, right
            yield right, left


def _calls(tree: ast.expr, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(tree)
    )
