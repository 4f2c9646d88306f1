"""Which calls a check will make, where that can be known before it runs: value mode, one round trip for all of them.

A check of plain asserts with calls on constant arguments makes the same calls in the same order whatever the candidate
answers. Anything else (a loop, a condition, a random number, a call on what another call returned) is not planned, and
is judged call by call. An assert's message is no part of it: `asserts.py` leaves it out.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import Any

_BUILTINS = frozenset(dir(builtins)) - {"eval", "exec", "compile", "globals", "locals", "vars", "getattr"}
_CONSTANTS = (
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.Set,
    ast.Dict,
    ast.UnaryOp,
    ast.BinOp,
    ast.unaryop,
    ast.operator,
    ast.expr_context,
)
_SIMPLE = (
    *_CONSTANTS,
    ast.Compare,
    ast.cmpop,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Call,
    ast.keyword,
)

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a check."""

    calls: tuple[tuple[Arguments, ...], ...]
    """The arguments of each assert's calls, in order."""
    needs_context: bool
    """Whether an assert uses a name that the context or the check imports."""
    only_values: bool
    """Whether nothing is done with what a call returned but to compare it and to hand it to built-in functions: an
    object that stayed with the candidate would be asked for its attributes."""


def plan(check: str, context: str, entry_point: str) -> Plan | None:
    """The calls of a check, or None where they cannot be known. Both sources must parse."""
    tree = ast.parse(check)
    function = _only_check(tree)
    if function is None:
        return None
    names = _Names()
    names.visit(tree)
    names.visit(ast.parse(context))
    reader = _Reader({function.args.args[0].arg, entry_point}, names)
    try:
        calls = [reader.calls_of(statement) for statement in function.body if not _empty(statement)]
    except _Unknown:
        return None
    return Plan(tuple(calls), reader.needs_context, only_values=not (reader.needs_context or reader.goes_deeper))


class _Unknown(Exception):
    """This cannot be planned."""


class _Reader:
    def __init__(self, candidates: set[str], names: _Names) -> None:
        self._candidates = candidates
        self._names = names
        self.needs_context = False
        self.goes_deeper = False
        """Whether an attribute of something is used, or something called that has no name."""

    def calls_of(self, statement: ast.stmt) -> tuple[Arguments, ...]:
        """Of an assert, the candidate's calls in the order in which they are made. Raises _Unknown."""
        if not isinstance(statement, ast.Assert):
            raise _Unknown
        test = statement.test
        if any(isinstance(node, ast.Compare) and len(node.ops) > 1 for node in ast.walk(test)):
            raise _Unknown  # the second comparison may not be made
        nodes = list(ast.walk(test))
        calls = [node for node in nodes if isinstance(node, ast.Call) and self._is_candidate(node.func)]
        if sum(map(self._is_candidate, nodes)) != len(calls):  # it is named otherwise
            raise _Unknown
        self._look_at(test)
        calls.sort(key=lambda call: (call.lineno, call.col_offset))  # none lies in another: arguments are constants
        return tuple(map(_arguments, calls))

    def _is_candidate(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._candidates

    def _look_at(self, tree: ast.expr) -> None:
        """Raises _Unknown for a construct that may leave a call out, or a name that could lead to another call."""
        for node in ast.walk(tree):
            if not isinstance(node, _SIMPLE):
                raise _Unknown
            self.goes_deeper |= isinstance(node, ast.Attribute)
            self.goes_deeper |= isinstance(node, ast.Call) and not isinstance(node.func, ast.Name)
            if isinstance(node, ast.Name) and not self._is_candidate(node):
                if node.id in self._names.bound or node.id not in _BUILTINS | self._names.imported:
                    raise _Unknown
                self.needs_context |= node.id in self._names.imported


def _only_check(tree: ast.Module) -> ast.FunctionDef | None:
    """`check` with one plain parameter, where the rest of the source does nothing."""
    found = None
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "check":
            found = statement if found is None else None
        elif not (_empty(statement) or isinstance(statement, ast.Import | ast.ImportFrom) or _remark(statement)):
            return None
    if found is None or found.decorator_list:
        return None
    named = found.args
    plain = not (named.posonlyargs or named.vararg or named.kwonlyargs or named.kwarg or named.defaults)
    return found if plain and len(named.args) == 1 else None


def _empty(statement: ast.stmt) -> bool:
    """`pass`, a remark, or HumanEval's lone `print`."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(statement, ast.Pass) or isinstance(value, ast.Constant) or _builtin(value)


def _builtin(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Name) and node.id in _BUILTINS


def _remark(statement: ast.stmt) -> bool:
    """HumanEval's METADATA: a name for a constant."""
    return isinstance(statement, ast.Assign) and all(isinstance(n, _CONSTANTS) for n in ast.walk(statement.value))


class _Names(ast.NodeVisitor):
    """Names that imports bind, and names that anything else binds."""

    def __init__(self) -> None:
        self.imported: set[str] = set()
        self.bound: set[str] = set()

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imported |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.bound.add(node.name)
            case ast.Name(ctx=ast.Store()):
                self.bound.add(node.id)
        self.generic_visit(node)


def _arguments(call: ast.Call) -> Arguments:
    """Raises _Unknown."""
    if any(keyword.arg is None for keyword in call.keywords):
        raise _Unknown
    named = {str(keyword.arg): _constant(keyword.value) for keyword in call.keywords}
    return tuple(map(_constant, call.args)), named


def _constant(node: ast.expr) -> Any:
    """The value of an expression without names. Raises _Unknown."""
    if not all(isinstance(part, _CONSTANTS) for part in ast.walk(node)):
        raise _Unknown
    try:
        return eval(compile(ast.Expression(node), "<plan>", "eval"), {"__builtins__": {}})
    except Exception:  # noqa: BLE001  # the check will raise it again where it is
        raise _Unknown from None
