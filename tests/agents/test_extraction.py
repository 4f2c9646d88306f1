"""Extraction case by case, and what must hold of any text."""

from __future__ import annotations

import ast
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from banchu.agents import continue_prompt, extract_code
from banchu.core.task import Task

PROMPT = '''from typing import List
import math


def scale(x):
    """Ten times x."""
    return 10 * x


def f(x: List[int]) -> int:
    """Sum of the scaled x.

    >>> f([1])
    10
    """
'''
TASK = Task("t/1", "t", PROMPT, "f")


def value(code: str | None, call: str = "f([1, 2])") -> object:
    assert code is not None
    scope: dict[str, object] = {"__name__": "candidate"}
    exec(compile(code, "candidate", "exec"), scope)
    return eval(call, scope)


GOOD = {
    "uses the prompt's helper": "def f(x):\n    return sum(scale(v) for v in x)",
    "repeats the helper as a stub": 'def scale(x):\n    """Ten times x."""\n\ndef f(x):\n    return sum(map(scale, x))',
    "uses the prompt's imports": "def f(x: List[int]) -> int:\n    return math.floor(sum(x) * 10.0)",
    "own helper wins": "def scale(x):\n    return x * 5 * 2\ndef f(x):\n    return sum(map(scale, x))",
    "one-liner": "def f(x): return sum(x) * 10",
    "lambda": "f = lambda x: sum(x) * 10",
    "inline code": "You can write `def f(x): return 10 * sum(x)` for this.",
    "inline fence": "```python def f(x): return 10 * sum(x)```",
    "semicolons": "import sys; K = 10; print(K)\ndef f(x): return K * sum(x)",
    "needed table": "T = []\nfor i in range(9):\n    T.append(i * 10)\ndef f(x):\n    return sum(T[v] for v in x)",
    "needed call": "import functools\nTEN = functools.reduce(max, [1, 10])\ndef f(x):\n    return TEN * sum(x)",
    "a local hides no global": (
        "def ten():\n    return 10\nk = ten()\ndef g():\n    k = 3\n    return k\ndef f(x):\n    return k * sum(x)"
    ),
    "setting": "import sys\nsys.setrecursionlimit(5000)\ndef f(x):\n    return 10 * sum(x)",
    "global state": "hits = dict()\ndef f(x):\n    global hits\n    hits[1] = 1\n    return 10 * sum(x)",
    "class used": "class T:\n    k = 10\n    def of(self, x): return self.k * x\ndef f(x):\n    return T().of(sum(x))",
    "class method": "class Solution:\n    def f(self, x):\n        return 10 * sum(x)",
    "nested function": "def f(x):\n    def g(v):\n        return 10 * v\n    return sum(g(v) for v in x)",
    "last fence wins": "```\ndef f(x):\n    return 1\n```\nbetter\n```\ndef f(x):\n    return 10 * sum(x)\n```",
    "stub last": "```\ndef f(x):\n    return 10 * sum(x)\n```\nas in\n```\ndef f(x):\n    ...\n```",
    "broken last": "```\ndef f(x):\n    return 10 * sum(x)\n```\n```\ndef f(x):\n    return (\n```",
    "fence in a docstring": (
        'Code:\n```python\ndef f(x):\n    """Like\n    ```\n    f(1)\n    ```\n    """\n    return 10 * sum(x)\n```'
    ),
    "prose in the fence": "```\nHere's f:\ndef f(x):\n    return 10 * sum(x)\nThat's it.\n```",
    "python 2 demo": "def f(x):\n    return 10 * sum(x)\nprint f([1])",
    "prose that parses": "Solution\ndef f(x):\n    return 10 * sum(x)\nNote: this\nComplexity: O(n)",
    "reads input below": (
        "def f(x):\n    return 10 * sum(x)\nn = int(input())\nm = n + 1\nfor i in range(n):\n    print(f([i]))"
    ),
    "tests below": (
        "def f(x):\n    return 10 * sum(x)\ndef test_f():\n    assert f([]) == 1\ntest_f()\nassert f([0]) == 1"
    ),
    "fence never closed": "```python\ndef g(x):\n    return 0\n```python\ndef f(x):\n    return 10 * sum(x)\n```",
    "two-line body": "s = sum(x)\n    return 10 * s",
    "body with a loop": "    s = 0\n    for v in x:\n        s += v * 10\n    return s",
    "body with tabs": "\ts = 0\n\tfor v in x:\n\t\ts += v * 10\n\treturn s",
    "body with a string": '    note = """a\nb"""\n    return 10 * sum(x) if note == "a\\nb" else 0',
    "dedented body with a string": 'note = """a\nb"""\nreturn 10 * sum(x) if note == "a\\nb" else 0',
    "answer only in the thinking": "So\n```\ndef f(x):\n    return 10 * sum(x)\n```\n</think>\nThat is it.",
    "body after prose": "The body:\n\n    return 10 * sum(x)\n\nIt's short.",
    "body uses helper": "return sum(scale(v) for v in x)",
    "future import": "from __future__ import annotations\ndef f(x: Unknown) -> int:\n    return 10 * sum(x)",
    "old mac lines": "def f(x):\r    return 10 * sum(x)\r",
}  # fmt: skip


@pytest.mark.parametrize("reply", GOOD.values(), ids=GOOD.keys())
def test_reads(reply: str) -> None:
    found = extract_code(reply, TASK)
    assert value(found.code) == 30
    assert extract_code(found.code or "", TASK).code == found.code


def test_async_is_kept_as_it_is() -> None:
    found = extract_code("async def f(x):\n    return 1", TASK)
    assert found.how == "module"
    assert "async def f(x)" in (found.code or "")


def test_demo_is_dropped_and_definitions_are_kept() -> None:
    reply = (
        "import os\nK = 3\n\n# why\ndef g():\n    return 1\n\ndef f(x):\n    return 1\n\n# demo\nprint(f(1))\n"
        "assert f(2) == 1\nresult = f(3)\nif __name__ == '__main__':\n    f(4)\n"
    )
    code = extract_code(reply, TASK).code or ""
    assert "import os\nK = 3\n\n# why\ndef g():" in code
    assert code.endswith("def f(x):\n    return 1\n")


@pytest.mark.parametrize(
    "reply",
    ["", " \n", "I cannot do that.", "DONE", "```python\n```", "f", "f(3)", "print(f([1]))", "def g(x):\n    return 1",
     ">>> f([1])\n10", "```\npip install f\n```", "from solution import f\nprint(f(3))", "x = f(3)", "f = f(3)"],
)  # fmt: skip
def test_nothing_to_read(reply: str) -> None:
    found = extract_code(reply, TASK)
    assert (found.code, found.how) == (None, "none")


@pytest.mark.parametrize(
    "reply",
    [
        "```python\ndef f(x):\n    return (x +\n```",
        "```python\nimport os\n\ndef f(x)\n    return 1\n```\nIt's good.",
        "Here it is:\ndef f(x):\n    for v in x:\n    return 1",
        "def f(x):\n    s = 0\n    s +=\n    return s",
        "```\ndef f(x):\n    nonlocal y\n    return 1\n```",
    ],
)
def test_broken_code_is_handed_on_as_broken(reply: str) -> None:
    found = extract_code(reply, TASK)
    assert found.how == "broken"
    assert found.code is not None
    assert "f(x)" in found.code
    assert "It's good" not in found.code
    with pytest.raises(SyntaxError):
        compile(found.code, "candidate", "exec")
    assert extract_code(found.code, TASK).code == found.code


CONTINUED = {
    "as sampled": " return 10 * sum(x)",
    "stripped": "return 10 * sum(x)",
    "two lines": " s = sum(x)\n    return 10 * s",
    "new line first": "\n    return 10 * sum(x)",
    "closed": " return 10 * sum(x)\n```\nDone! It's good.",
    "truncated last line": " s = 10 * sum(x)\n    return s\n    print('unclosed",
    "truncated inside a loop below": " return 10 * sum(x)\n\ndef g(x):\n    for v in",
    "own indent of two": "s = 0\n  for v in x:\n    s += 10 * v\n  return s",
    "tabs": "s = 0\n\tfor v in x:\n\t\ts += 10 * v\n\treturn s",
    "demo": " return 10 * sum(x)\n\nprint(f(input()))\nassert f([]) == 1",
    "starts over": "```\n```python\ndef f(x):\n    return 10 * sum(x)\n```",
    "comment first": " # add up\n    return 10 * sum(x)",
}  # fmt: skip


@pytest.mark.parametrize("reply", CONTINUED.values(), ids=CONTINUED.keys())
def test_continues(reply: str) -> None:
    found = continue_prompt(TASK, reply)
    assert value(found.code) == 30
    assert continue_prompt(TASK, reply.replace("\n", "\r\n")) == found


def test_continuation_without_code() -> None:
    for reply in ("", "  \n ", "```", "\n```\n\nThe function is simple."):
        assert continue_prompt(TASK, reply).code is None
    broken = continue_prompt(TASK, " the sum of it all")
    assert broken.how == "broken"
    assert (broken.code or "").endswith("    the sum of it all\n")
    assert value(continue_prompt(TASK, " pass").code) is None


def test_prompt_without_a_docstring() -> None:
    task = Task("t/2", "t", "import math\n\ndef g(x):\n", "g")
    assert value(extract_code("    return math.floor(x)", task).code, "g(1.5)") == 1
    assert value(extract_code("def g(x):\n  return math.floor(x)", task).code, "g(1.5)") == 1
    assert value(continue_prompt(task, " return math.floor(x)").code, "g(1.5)") == 1


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "@a\n" * 60, pytest.param("@a\n" * 2_000, marks=pytest.mark.slow),
     "'''\n" * 3_001, "if x:\n" * 2_000, "-" * 50_000 + "1", "```" * 5_000, "\0" * 99,
     "x" * 500_000, "def f(x):\n" + "    if x:\n" * 3_000, "a." * 20_000 + "b", "\ud800def f(x): return 1",
     "f = " + "[" * 150 + "]" * 150, "if a: pass\n" + "elif a: pass\n" * 5_000, "lambda: " * 5_000 + "0"],
    ids=range(15),
)  # fmt: skip
def test_pathological_text_is_read_without_error(text: str) -> None:
    extract_code(text, TASK)
    continue_prompt(TASK, text)


PIECES = [
    "def f(x):", "    return 10 * sum(x)", "  return x", "\treturn x", "return x", "```", "```python", "~~~", "",
    "Here's the code:", "import math", "print(f([1]))", "def g(y):", "    pass", "class A:", "    def f(self, x):",
    "        return 1", '    """doc', '"""', "f = g", "x = (", ")", "@g", "if __name__ == '__main__':",
    "    f(input())", "for i in y:", "    y.append(i)", "y = []", "`f(x)`", "`def f(x): return 1`", ">>> f(1)",
    "<think>", "</think>", "from __future__ import annotations", "a = 1; b = 2", "# ```", "x: int",
    "\\", "global x", "    yield x",
]  # fmt: skip
REPLIES = st.lists(st.sampled_from(PIECES), max_size=14).map("\n".join)


@settings(max_examples=400, deadline=None)
@given(REPLIES | st.text(max_size=200))
@example("def f(x):\n    return 1\n\x0c\nx")
def test_any_text(text: str) -> None:
    text = text.replace("\r", "\n")
    found = extract_code(text, TASK)
    assert (found.code is None) == (found.how == "none")
    assert extract_code(text.replace("\n", "\r\n"), TASK) == found
    if found.code is not None:
        assert extract_code(found.code, TASK).code == found.code
        if found.how != "broken":
            compile(found.code, "candidate", "exec", dont_inherit=True)
            assert "f" in {name for node in ast.walk(ast.parse(found.code)) for name in _bound(node)}


@settings(max_examples=200, deadline=None)
@given(REPLIES | st.text(max_size=200))
def test_any_continuation(text: str) -> None:
    text = text.replace("\r", "\n")
    found = continue_prompt(TASK, text)
    assert continue_prompt(TASK, text.replace("\n", "\r\n")) == found
    if found.code is not None and found.how != "broken":
        compile(found.code, "candidate", "exec", dont_inherit=True)


def _bound(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    return [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []


def test_recursion_limit_is_as_it_was() -> None:
    before = sys.getrecursionlimit()
    extract_code("import sys\nsys.setrecursionlimit(99)\ndef f(x):\n    return 1", TASK)
    assert sys.getrecursionlimit() == before
