from __future__ import annotations

import ast

import pytest

from banchu.core.source import parse


def test_a_source_in_which_nothing_is_wrong_is_parsed_though_the_parser_is_confused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    confusions = [SystemError("AST constructor recursion depth mismatch"), SystemError("again")]

    def confused(_source: str) -> ast.Module:
        if confusions:
            raise confusions.pop()
        return ast.Module([], [])

    monkeypatch.setattr(ast, "parse", confused)
    assert isinstance(parse("x = 1"), ast.Module)


def test_errors_of_the_source_are_its_own() -> None:
    for source in ("x = =", "\0"):
        with pytest.raises((SyntaxError, ValueError)):  # a null byte was a ValueError before 3.11.4
            parse(source)
