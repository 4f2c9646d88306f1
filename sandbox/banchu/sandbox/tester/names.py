"""Names that tests take from the program they test: a class to build arguments with, a module it imported."""

from __future__ import annotations

import ast
import builtins
import functools

from banchu.core.sealed import TestSuite
from banchu.core.source import parse


@functools.lru_cache(maxsize=4096)
def borrowed_names(suite: TestSuite) -> tuple[str, ...]:
    """Names that the tests use, do not bind, and the reference solution defines. No names where a source is broken."""
    try:
        used = _Names.of(suite.check)
        used.visit(parse(suite.context))
        defined = _Names.of(suite.reference)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    missing = used.loaded - used.bound - {suite.entry_point, *dir(builtins)}
    return tuple(sorted(missing & defined.bound))


class _Names(ast.NodeVisitor):
    """Names that a source reads, and names that it binds anywhere in it."""

    def __init__(self) -> None:
        self.loaded: set[str] = set()
        self.bound: set[str] = set()

    @classmethod
    def of(cls, source: str) -> _Names:
        names = cls()
        names.visit(parse(source))
        return names

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                self.loaded.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                self.bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self.bound.add(name)
            case ast.ExceptHandler(name=str(name)):
                self.bound.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                self.bound |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
        self.generic_visit(node)
