"""Which names a statement binds, uses and changes.

Over-approximates where scoping is subtle: a name too many keeps a statement too many, which is harmless.
"""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterable


def bound(node: ast.stmt) -> frozenset[str]:
    """Names that the statement binds in its own scope."""
    found: set[str] = set()
    for each in own_scope(node):
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found.update(alias.asname or alias.name.partition(".")[0] for alias in aliases if alias.name != "*")
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                found.discard(name)
    return frozenset(found)


def used(node: ast.AST) -> set[str]:
    """All names read anywhere inside, nested functions included."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def free(source: str) -> frozenset[str]:
    """Names that a top-level statement reads or declares from outside itself, at once or when it is called.

    By Python's own symbol table, so that a local of one function does not hide a global that another one reads.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pending = [symtable.symtable(source, "<statement>", "exec")]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset()
    found: set[str] = set()
    while pending:
        table = pending.pop()
        pending.extend(table.get_children())
        outermost = table.get_type() == "module"
        found.update(each.get_name() for each in table.get_symbols() if _comes_from_outside(each, outermost))
    return frozenset(found)


def _comes_from_outside(symbol: symtable.Symbol, outermost: bool) -> bool:
    return symbol.is_referenced() if outermost else symbol.is_global()


def used_at_definition(node: ast.stmt) -> set[str]:
    """Names that a definition reads when it is executed, not when it is called: decorators, defaults, annotations,
    bases, and all of a class body but its functions' bodies."""
    match node:
        case ast.FunctionDef(args=args, returns=returns) | ast.AsyncFunctionDef(args=args, returns=returns):
            return _all_used([*node.decorator_list, args, *([returns] if returns else [])])
        case ast.ClassDef():
            outside = _all_used([*node.decorator_list, *node.bases, *node.keywords])
            return outside.union(*(used_at_definition(each) for each in node.body))
        case _:
            return used(node)


def mutated(node: ast.stmt) -> set[str]:
    """Names whose values the statement changes in place: `x.a = 1`, `x[0] = 1`, `x.append(1)`."""
    found: set[str] = set()
    for each in own_scope(node):
        match each:
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                found.add(_root(each))
            case ast.Expr(value=ast.Call(func=ast.Attribute() as func)):
                found.add(_root(func))
    return found - {""}


def _all_used(nodes: Iterable[ast.AST]) -> set[str]:
    return {name for each in nodes for name in used(each)}


def own_scope(node: ast.AST) -> Iterable[ast.AST]:
    """The node and all below it that run in the same scope: not the inside of functions, classes and lambdas."""
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(each))


def _root(node: ast.expr) -> str:
    """The name at the bottom of `name.a[0].b()`."""
    while True:
        match node:
            case ast.Attribute(value=node) | ast.Subscript(value=node) | ast.Call(func=node):
                continue
            case ast.Name(id=name):
                return name
            case _:
                return ""
