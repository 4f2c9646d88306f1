"""The 164 reference solutions of HumanEval, answered in many styles, must all be extracted and pass.

A style is a correct answer as some model writes it. Cutting at the first `def`, or at a stop word, loses helpers,
imports, tabs and one-liners: correct answers that then count as wrong.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from banchu.agents.continuation import continue_prompt
from banchu.agents.extraction import Extraction, extract_code
from banchu.benchmarks import load_benchmark
from banchu.core.sealed import unseal
from banchu.core.task import Task
from banchu.sandbox import Judge


@dataclass(frozen=True)
class Solved:
    """A task with its reference solution, taken apart."""

    task: Task
    check: str
    full: str
    """The prompt and the solution."""
    body: str
    """The solution as the data set has it: a body in four spaces."""
    bare: str
    """The function alone: no docstring, no imports and no helpers of the prompt."""

    @property
    def name(self) -> str:
        return self.task.entry_point

    def renamed(self, name: str) -> str:
        tree = ast.parse(self.bare)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.Name) and self.name in (
                getattr(node, "name", None),
                getattr(node, "id", None),
            ):
                setattr(node, "name" if isinstance(node, ast.FunctionDef) else "id", name)
        return ast.unparse(tree)

    def indented(self, unit: str) -> str:
        lines = self.bare.split("\n")
        return "\n".join(unit * ((len(line) - len(line.lstrip(" "))) // 4) + line.lstrip(" ") for line in lines)


@cache
def solved() -> tuple[Solved, ...]:
    found = []
    for each in load_benchmark("humaneval").tasks:
        suite = unseal(each.sealed)
        body = suite.reference.removeprefix(each.task.prompt)
        tree = ast.parse(suite.reference)
        (function,) = (
            node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == each.task.entry_point
        )
        if ast.get_docstring(function) is not None:
            del function.body[0]
        found.append(Solved(each.task, suite.check, suite.reference, body, ast.unparse(function)))
    return tuple(found)


def fence(code: str, tag: str = "python", mark: str = "```") -> str:
    return f"{mark}{tag}\n{code.rstrip()}\n{mark}\n"


def shifted(text: str, by: str) -> str:
    return "".join(by + line if line.strip() else line for line in text.splitlines(keepends=True))


def unshifted(text: str) -> str:
    return "".join(line.removeprefix("    ") for line in text.splitlines(keepends=True))


PROSE = "Sure! Here's how I'd solve it (note: it's O(n)):\n\n"
AFTER = "\nExplanation: this doesn't use any library.\n\n- It's simple\n- Note: edge cases are handled\n"
IMPORTS = "import math\nimport re\nfrom typing import Any, Dict, List, Optional, Tuple\n"

STYLES: dict[str, Callable[[Solved], str]] = {
    "module": lambda s: s.full,
    "python_fence": lambda s: PROSE + fence(s.full) + AFTER,
    "py_fence_function_only": lambda s: PROSE + fence(s.bare, "py") + AFTER,
    "untagged_fence": lambda s: fence(s.full, ""),
    "tilde_fence": lambda s: PROSE + fence(s.full, "Python", "~~~") + AFTER,
    "long_fence": lambda s: fence(s.full, " python", "`````"),
    "unclosed_fence": lambda s: PROSE + "```python\n" + s.full,
    "indented_fence": lambda s: "1. The code:\n\n" + shifted(fence(s.full), "   ") + AFTER,
    "fence_closed_on_the_last_line": lambda s: f"```python\n{s.bare}```" + AFTER,
    "tabs": lambda s: fence(s.indented("\t")),
    "two_spaces": lambda s: PROSE + s.indented("  ") + "\n" + AFTER,
    "one_liner": lambda s: fence(f"{s.renamed('solve_it')}\n\ndef {s.name}(*args): return solve_it(*args)"),
    "imports_above": lambda s: fence(IMPORTS + "\n\n" + s.bare),
    "helper_in_an_earlier_fence": lambda s: (
        f"First a helper:\n\n{fence('import functools' + chr(10) + s.renamed('helper'))}\nThen the function:\n\n"
        f"{fence(f'def {s.name}(*args):{chr(10)}    return functools.partial(helper)(*args)')}"
    ),
    "draft_then_final_then_usage": lambda s: (
        f"A draft:\n{fence(f'def {s.name}(*args):{chr(10)}    return NotImplemented')}\nThat is wrong. Better:\n"
        f"{fence(s.full)}\nUsage:\n{fence(f'from solution import {s.name}{chr(10)}print({s.name})')}"
    ),
    "prose_without_fences": lambda s: PROSE + s.full + AFTER,
    "body_alone": lambda s: s.body,
    "body_alone_fenced": lambda s: "The body of the function is:\n\n" + fence(s.body),
    "body_alone_dedented": lambda s: fence(unshifted(s.body)),
    "body_alone_deeper": lambda s: fence(shifted(s.body, "    ")),
    "body_with_first_line_unindented": lambda s: s.body.lstrip(),
    "echo_then_body": lambda s: f"Given\n{fence(s.task.prompt)}\nthe body is\n{fence(s.body)}",
    "crlf": lambda s: (PROSE + fence(s.full) + AFTER).replace("\n", "\r\n"),
    "demo_below": lambda s: fence(
        f"{s.full}\n\nresult = {s.name}()\nprint(result)\nassert {s.name}(1, 2, 3, 4, 5) == 0\n"
        f"for case in [1, 2]:\n    print({s.name}(case))\nvalue = int(input())\n"
        f'if __name__ == "__main__":\n    print({s.name}(input()))\n'
    ),
    "truncated_demo": lambda s: PROSE + f"```python\n{s.full}\n\nprint({s.name}([1, 2",
    "transcript_below": lambda s: PROSE + s.full + f"\n>>> {s.name}(3)\n4\n>>> print({s.name})\n",
    "method": lambda s: fence(
        f"class Solution:\n    @staticmethod\n{shifted(s.bare, '    ')}" if s.name not in s.bare.partition(":")[2]
        else s.full
    ),
    "decorated": lambda s: fence(
        f"from functools import wraps\n\ndef traced(fn):\n    @wraps(fn)\n    def inner(*args):\n"
        f"        return fn(*args)\n    return inner\n\n@traced\n{s.bare}"
    ),
    "guarded_import": lambda s: fence(
        f"try:\n    import not_installed as lib\nexcept ImportError:\n    lib = None\n\nLIMIT: int = 10**6\n\n{s.full}"
    ),
    "future_import": lambda s: fence(f"from __future__ import annotations\n\n{s.bare}"),
    "thinking": lambda s: f"<think>\nMaybe\n```python\ndef {s.name}(x):\n    return 0\n</think>\n{fence(s.full)}",
    "alias": lambda s: fence(f"{s.renamed('implementation')}\n\n{s.name} = implementation"),
}  # fmt: skip

CONTINUATIONS: dict[str, Callable[[Solved], str]] = {
    "as_sampled": lambda s: " " + s.body.lstrip(),
    "stripped": lambda s: s.body.strip(),
    "new_line_first": lambda s: "\n" + s.body,
    "closed_fence_and_prose": lambda s: " " + s.body.strip() + "\n```\n\nThis doesn't loop.\n```python\nx = (\n",
    "closed_on_the_line": lambda s: " " + s.body.strip() + "```",
    "two_spaces": lambda s: "\n".join(s.indented("  ").split("\n")[1:]).strip(),
    "next_function_truncated": lambda s: " " + s.body.strip() + "\n\n\ndef other(x):\n    return (x +",
    "prose_below": lambda s: " " + s.body.strip() + "\n\nExplanation: it's simple, isn't it?\n",
    "started_over": lambda s: "```\n\nHere is all of it:\n\n" + fence(s.full),
    "crlf": lambda s: " " + s.body.strip().replace("\n", "\r\n") + "\r\n```\r\n",
}  # fmt: skip


def extractions() -> Iterator[tuple[str, Solved, Extraction]]:
    for each in solved():
        for style, write in STYLES.items():
            yield style, each, extract_code(write(each), each.task)
        for style, write in CONTINUATIONS.items():
            yield f"continuation/{style}", each, continue_prompt(each.task, write(each))


def distinct(code: str) -> str:
    """Programs that differ in layout, comments and docstrings alone are judged once."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and len(node.body) > 1 and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.unparse(tree)


def test_enough_styles() -> None:
    assert len(STYLES) >= 12
    assert len(solved()) == 164


@pytest.mark.slow
async def test_every_reference_in_every_style_is_extracted_and_passes() -> None:
    programs: dict[tuple[str, str], list[str]] = {}
    for style, each, found in extractions():
        label = f"{style} {each.task.id}"
        assert found.code is not None, label
        assert found.how not in ("none", "broken"), f"{label}: {found}"
        programs.setdefault((distinct(found.code), each.task.id), []).append(label)
    sealed = {pair.task.id: pair.sealed for pair in load_benchmark("humaneval").tasks}
    async with Judge() as judge:
        verdicts = await asyncio.gather(*(judge.judge(sealed[task], code) for code, task in programs))
    failed = {labels[0]: v for labels, v in zip(programs.values(), verdicts, strict=True) if not v.passed}
    assert failed == {}


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("style", STYLES)
def test_a_style_reads_as_what_it_is(style: str, every: int) -> None:
    expected = {"method": ("method", "module")}.get(style, ("body",) if "body" in style else ("module",))
    for each in solved()[::every]:
        assert extract_code(STYLES[style](each), each.task).how in expected, each.task.id
