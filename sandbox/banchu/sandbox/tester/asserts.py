"""A check's source with each `assert` turned into a report to a recorder, without a change to what passes.

Where nothing in the source catches exceptions, a failed assertion is noted and the check goes on, so that the others
are counted too. Elsewhere an assertion fails as it always did.
"""

from __future__ import annotations

import ast
import types
from dataclasses import dataclass

RECORDER = "__banchu_recorder__"
_ERROR = "__banchu_error__"
_CATCHING = (
    ast.Try,
    ast.TryStar,
    ast.With,
    ast.AsyncWith,
    ast.AsyncFor,
    ast.AsyncFunctionDef,
    ast.Yield,
    ast.YieldFrom,
)


@dataclass(frozen=True, slots=True)
class Site:
    """One assert statement of the source."""

    source: str
    as_written: bool
    """Whether the source itself shows every argument of the candidate."""
    actual_is_right: bool = False
    """The candidate stands right of the comparison."""


@dataclass(frozen=True, slots=True)
class Check:
    """A compiled check and what its assertions say."""

    code: types.CodeType
    sites: tuple[Site, ...]
    soft: bool
    """Failed assertions are noted and passed over, since nothing in the check could have caught them."""


def compile_check(source: str, entry_point: str) -> Check:
    """Raises SyntaxError, ValueError for a source that is no Python."""
    tree = ast.parse(source, "<tests>")
    soft = not any(isinstance(node, _CATCHING) for node in ast.walk(tree))
    rewriter = _Rewriter(source, entry_point, soft=soft)
    tree = ast.fix_missing_locations(rewriter.visit(tree))
    return Check(compile(tree, "<tests>", "exec"), tuple(rewriter.sites), soft)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, source: str, entry_point: str, *, soft: bool) -> None:
        self.sites: list[Site] = []
        self._source = source
        self._candidates = {entry_point, "candidate"}
        self._soft = soft

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:  # NodeTransformer's spelling
        number = ast.Constant(len(self.sites))
        self.sites.append(self._site(node))
        enter: ast.stmt = ast.Expr(_record("enter", number))
        held = self._condition(number, node.test)
        if not self._soft:
            fail = ast.Raise(ast.Call(ast.Name("AssertionError", ast.Load()), [node.msg] if node.msg else [], []), None)
            new = [enter, ast.If(ast.UnaryOp(ast.Not(), held), [fail], [])]
        else:
            caught = ast.Expr(_record("caught", ast.Name(_ERROR, ast.Load())))
            handler = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), _ERROR, [caught])
            new = [ast.Try([enter, ast.Expr(held)], [handler], [], [])]
        for statement in new:
            ast.copy_location(statement, node)
        return new

    def _condition(self, number: ast.expr, test: ast.expr) -> ast.expr:
        match test:
            case ast.Compare(left, [operator], [right]):
                return _record("compare", number, left, ast.Constant(type(operator).__name__), right)
            case ast.UnaryOp(ast.Not(), operand):
                return _record("untruth", number, operand)
        return _record("truth", number, test)

    def _site(self, node: ast.Assert) -> Site:
        source = ast.get_source_segment(self._source, node.test) or ast.unparse(node.test)
        calls = [call for call in ast.walk(node.test) if isinstance(call, ast.Call) and self._names(call.func)]
        right = isinstance(node.test, ast.Compare) and not self._names(node.test.left)
        return Site(
            source=f"assert {source}",
            as_written=bool(calls) and all(_literal(call) for call in calls),
            actual_is_right=right and isinstance(node.test, ast.Compare) and self._names(node.test.comparators[-1]),
        )

    def _names(self, node: ast.expr) -> bool:
        return any(isinstance(part, ast.Name) and part.id in self._candidates for part in ast.walk(node))


def _record(method: str, *arguments: ast.expr) -> ast.expr:
    recorder = ast.Name(RECORDER, ast.Load())
    return ast.Call(ast.Attribute(recorder, method, ast.Load()), list(arguments), [])


def _literal(call: ast.Call) -> bool:
    try:
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            ast.literal_eval(argument)
    except ValueError:
        return False
    return True
