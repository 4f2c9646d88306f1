"""Calls to try programs on, where nobody knows what they should give: the prompt's own examples, and variants of them.

The variants follow the types of the arguments, as EvalPlus' inputs do (Liu et al. 2023, arXiv:2305.01210). Programs are
compared on them, one with another; nothing here comes from tests, sealed or not.
"""

from __future__ import annotations

import ast
import hashlib
import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from banchu.core.source import parse
from banchu.graphs.calls import calls_of

_LONG: Final = 2000
"""Characters of a call beyond which it is not varied."""
_HUGE: Final = 10**12
"""Numbers beyond which none larger is made."""
_ELEMENTS: Final = 3
"""Elements of one container that are varied."""

Variant = tuple[ast.expr, bool]
"""A literal in the place of another, and whether it asks for much more work than that."""


def probe_calls(examples: Sequence[str], entry_point: str, limit: int = 8) -> tuple[str, ...]:
    """The calls of `entry_point` in statements, then variants of them, at most `limit` in all and each once.

    Each variant changes one thing in one call, whose arguments are all literals then as before. The calls take turns,
    in an order that follows from their text alone. Without a call there is none to vary: ().
    """
    shown = calls_of(examples, entry_point)
    rounds = zip_longest(*(_varied(call) for call in shown))
    variants = (call for calls in rounds for call in calls if call is not None)
    return tuple(dict.fromkeys([*shown, *variants]))[: max(0, limit)]


def _varied(call: str) -> list[str]:
    """Of one call; [] where an argument is no literal. Those that ask for more work stand last."""
    if len(call) > _LONG:
        return []
    statement = parse(call).body[0]
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return []
    node = statement.value
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    if not all(map(_literal, arguments)) or any(keyword.arg is None for keyword in node.keywords):
        return []
    found: dict[str, bool] = {}
    for place, argument in enumerate(arguments):
        for variant, costly in _variants(argument):
            text = ast.unparse(_with(node, place, variant))
            if text != call and len(text) <= _LONG:
                found.setdefault(text, costly)
    return sorted(found, key=lambda text: (found[text], _digest(f"{call}\n{text}")))


def _with(call: ast.Call, place: int, argument: ast.expr) -> ast.Call:
    """The call with another argument there, keywords counted behind the others."""
    args, keywords = list(call.args), list(call.keywords)
    if place < len(args):
        args[place] = argument
    else:
        old = keywords[place - len(args)]
        keywords[place - len(args)] = ast.keyword(arg=old.arg, value=argument)
    return ast.Call(func=call.func, args=args, keywords=keywords)


def _literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _variants(node: ast.expr) -> Iterator[Variant]:
    """Literals of the same type. None, True and False have no variants."""
    match node:
        case ast.Constant(value=bool() | None):
            return
        case ast.Constant(value=int() | float() as number):
            yield from _numbers(number)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            yield from _numbers(-number)
        case ast.Constant(value=str() as text):
            yield from ((ast.Constant(value=other), False) for other in _texts(text))
        case ast.List(elts=elements):
            yield from ((ast.List(elts=other, ctx=ast.Load()), costly) for other, costly in _sequences(elements))
        case ast.Tuple(elts=elements):
            yield from ((ast.Tuple(elts=other, ctx=ast.Load()), costly) for other, costly in _sequences(elements))
        case ast.Set(elts=elements):
            # An empty one has no literal, and neither order nor repetition makes another.
            found = _sequences(elements, ordered=False)
            yield from ((ast.Set(elts=other), costly) for other, costly in found if other)
        case ast.Dict():
            yield from _mappings(node)


def _numbers(number: int | float) -> Iterator[Variant]:
    if not math.isfinite(number):
        return
    zero = type(number)(0)
    others = [(number + 1, False), (number - 1, False), (zero, False), (-number, False)]
    if abs(number) <= _HUGE:
        others.append((max(type(number)(100), abs(number) * 10), True))
    for other, costly in others:
        constant = ast.Constant(value=abs(other))
        yield (ast.UnaryOp(op=ast.USub(), operand=constant) if other < 0 else constant), costly


def _texts(text: str) -> Iterator[str]:
    yield ""
    yield text + text
    yield text[::-1]
    if text:
        at = _digest(text) % len(text)
        yield f"{text[:at]}{_next(text[at])}{text[at + 1 :]}"


def _next(character: str) -> str:
    """Another of its kind."""
    for kind in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "()", "[]", "{}", "<>"):
        if character in kind:
            return kind[(kind.index(character) + 1) % len(kind)]
    return "a"


def _sequences(elements: list[ast.expr], ordered: bool = True) -> Iterator[tuple[list[ast.expr], bool]]:
    yield [], False
    for at in _some(elements):
        if len(elements) > 1:
            yield [*elements[:at], *elements[at + 1 :]], False
        if ordered:
            yield [*elements[: at + 1], *elements[at:]], False
        for other, costly in _variants(elements[at]):
            yield [*elements[:at], other, *elements[at + 1 :]], costly
    if ordered:
        yield elements[::-1], False


def _mappings(node: ast.Dict) -> Iterator[Variant]:
    yield ast.Dict(keys=[], values=[]), False
    keys, values = node.keys, node.values
    for at in _some(values):
        if len(keys) > 1:
            yield ast.Dict(keys=[*keys[:at], *keys[at + 1 :]], values=[*values[:at], *values[at + 1 :]]), False
        if (key := keys[at]) is not None:
            for other, costly in _variants(key):
                yield ast.Dict(keys=[*keys[:at], other, *keys[at + 1 :]], values=values), costly
        for other, costly in _variants(values[at]):
            yield ast.Dict(keys=keys, values=[*values[:at], other, *values[at + 1 :]]), costly


def _some(nodes: Sequence[ast.expr]) -> list[int]:
    """Places of a few of them, the first one included."""
    order = sorted(range(1, len(nodes)), key=lambda at: _digest(f"{at}\n{ast.unparse(nodes[at])}"))
    return [0, *order[: _ELEMENTS - 1]] if nodes else []


def _digest(text: str) -> int:
    """The same in every process and version, unlike hash()."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
