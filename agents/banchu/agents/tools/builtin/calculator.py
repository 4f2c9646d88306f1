"""`calculator`: arithmetic on numbers, read from Python's grammar and worked out here; nothing is evaluated."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Final

from banchu.agents.tools.function import tool
from banchu.agents.tools.tool import ToolFailed
from banchu.core.source import parse

Number = int | float
_CHARACTERS: Final = 500
_BITS: Final = 10_000
"""Of a whole number: some 3,000 digits."""
_OPERATORS: Final[dict[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SIGNS: Final[dict[type[ast.AST], Callable[[Any], Any]]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_CONSTANTS: Final = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin")},
    **{name: getattr(math, name) for name in ("acos", "atan", "floor", "ceil", "gcd", "lcm", "hypot", "isqrt")},
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
}


def calculate(expression: str) -> str:
    """The value of an expression as text: whole numbers exactly, others to 12 digits. Raises ToolFailed."""
    if len(expression) > _CHARACTERS:
        raise ToolFailed(f"an expression of more than {_CHARACTERS} characters; work it out in steps")
    try:
        body = parse(expression.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        body = []
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ToolFailed("this is no arithmetic expression; write one such as (2 + 3) * 4 ** 2 / sqrt(7)")
    try:
        return _text(_value(body[0].value))
    except ZeroDivisionError:
        raise ToolFailed("a division by zero") from None
    except OverflowError:
        raise ToolFailed("a number too large") from None
    except (ValueError, TypeError) as error:
        raise ToolFailed(f"it has no value ({error})") from None
    except RecursionError:
        raise ToolFailed("nested too deeply") from None


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return _bounded(value)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(_OPERATORS[type(op)](_value(left), _value(right)))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _SIGNS:
            return _bounded(_SIGNS[type(op)](_value(operand)))
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in (*_FUNCTIONS, "factorial"):
            return _called(name, [_value(each) for each in arguments])
    raise ToolFailed(_why_not(node))


def _called(name: str, values: list[Number]) -> Number:
    if name == "factorial":
        if len(values) != 1 or type(values[0]) is not int or not 0 <= values[0] <= 1000:
            raise ToolFailed("factorial takes one whole number from 0 to 1000")
        return _bounded(math.factorial(values[0]))
    if name == "round" and len(values) == 2 and not -400 <= values[1] <= 400:
        raise ToolFailed("round takes 400 digits at most")  # Python works out 10 ** digits
    return _bounded(_FUNCTIONS[name](*values))


def _power(base: Number, exponent: Number) -> Number:
    # Bounded before it is worked out: 9**9**9 would never end.
    whole = isinstance(base, int) and isinstance(exponent, int) and exponent >= 0
    if whole and abs(base) > 1 and base.bit_length() * exponent > _BITS:  # type: ignore[union-attr]
        raise OverflowError
    found = base**exponent
    if isinstance(found, complex):
        raise ToolFailed("the root of a negative number")
    return _bounded(found)


def _bounded(value: Any) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise OverflowError
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError
    return value


def _text(value: Number) -> str:
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"


def _why_not(node: ast.expr) -> str:
    match node:
        case ast.BinOp(op=ast.BitXor()):
            return "^ is no operator here; write ** for a power"
        case ast.Tuple():
            return "a comma is no part of a number here; write 1000, not 1,000"
        case ast.Call(func=ast.Name(id=name), keywords=[_, *_]) if name in _FUNCTIONS:
            return f"{name} takes no names; its arguments stand by position"
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            known = ", ".join(sorted([*_FUNCTIONS, *_CONSTANTS, "factorial"]))
            return f"{name[:40]!r} is unknown; known: {known}"
    return "only numbers, + - * / // % **, brackets and functions such as sqrt are taken"


@tool(timeout_s=5.0, max_characters=4000)
def calculator(expression: str) -> str:
    """Work out an arithmetic expression exactly, such as (2 + 3) * 4 ** 2 / sqrt(7).

    Args:
        expression: numbers, + - * / // % **, brackets, pi, e, and functions: sqrt, log, sin, factorial, gcd, round, ...
    """
    return calculate(expression)
