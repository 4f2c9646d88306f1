"""Warns when a text, such as few-shot examples or a prompt of the user's, holds pieces of a benchmark.

Few-shots taken from the benchmark show the model what it is tested on, in every arm at once, and no comparison of arms
would tell. What counts is the number of 10-grams of tokens that a text shares with a task. Ten, because code is denser
than prose: GPT-3's 13-grams are for web pages, and one assertion is seldom 13 tokens long. DeepSeek-Coder cleaned its
training code of HumanEval and MBPP with 10-grams (Guo et al. 2024, arXiv:2401.14196). The longest common run stands
beside the share because it tells more than the sum of scattered pieces (Singh et al. 2024, arXiv:2411.03923).

A token is a word, a name or a number in lower case. Punctuation, quotes, signs, layout and `assert` are no tokens, and
the name of a called function is one and the same token whatever it is: renaming the function, or writing assertions as
doctests, hides nothing. A text is compared with two parts of a task:

- `public`: the docstring. Signatures and imports are too much alike from task to task.
- `sealed`: the assertions of the hidden check one after the other, and each of 6 to 9 tokens by itself; but nothing
  that the docstring shows.

What has 6 to 9 tokens must be there as a whole. What is shorter (`f(5) == 5`) stands in innocent text: alone it is not
searched for.

Not found: a paraphrase, a translation, a solution, numbers written otherwise. A hit does not say how it came: a table
of numbers that counts up can be one, and tasks of one family share half a sentence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from banchu.benchmarks.benchmark import Benchmark, BenchmarkTask
from banchu.benchmarks.reading import parsed
from banchu.core.sealed import unseal
from banchu.core.task import Task

N: Final = 10
"""Tokens of an n-gram."""
WHOLE: Final = 6
"""The least tokens of a piece, such as an assertion, that is searched for as a whole."""

Part = Literal["public", "sealed"]
Tokens = tuple[str, ...]

_TOKEN: Final = re.compile(r"[^\W\d]\w*(?P<call>\s*\()?|\d+(?:\.\d+)?")
_ESCAPE: Final = re.compile(r"\\[nrt]")
_CALLED: Final = "f()"
_STATEMENTS: Final = frozenset({"and", "assert", "elif", "if", "in", "is", "not", "or", "print", "return", "while"})
"""Words that stand before a bracket without calling."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a text holds of one part of a task."""

    task_id: str
    share: float
    """Of the part's n-grams (0 to 1, above 0), how many the text holds."""
    longest: int
    """Tokens of the longest run that the text has in common with the part; at least WHOLE."""
    part: Part


def overlaps(text: str, benchmark: Benchmark) -> tuple[Overlap, ...]:
    """What `text` holds of each task, the greatest share first; nothing for tasks without a common n-gram."""
    index = _Index(_tokens(text))
    found = [overlap for each in benchmark.tasks for overlap in _of_task(each, index)]
    return tuple(sorted(found, key=lambda overlap: (-overlap.share, -overlap.longest)))


def _of_task(each: BenchmarkTask, index: _Index) -> Iterator[Overlap]:
    public = _tokens(_documentation(each.task))
    hidden = _assertions(unseal(each.sealed).check)
    listed = tuple(token for piece in hidden for token in piece)
    sealed = [listed, *(piece for piece in hidden if WHOLE <= len(piece) < N)]
    # An example in words, "f(3) should return 12", shows what `f(3) == 12` says.
    told = (*public, *_tokens("\n".join(each.task.examples)))
    parts: tuple[tuple[Part, list[Tokens], Tokens], ...] = (("public", [public], ()), ("sealed", sealed, told))
    for part, pieces, known in parts:
        shown = _Index(known)
        held = [
            run
            for piece in pieces
            if len(piece) >= WHOLE
            for run, there in zip(index.runs(piece), shown.runs(piece), strict=True)
            if not there
        ]
        if longest := max(held, default=0):
            yield Overlap(each.task.id, sum(map(bool, held)) / len(held), longest, part)


class _Index:
    """Where each n-gram of a text begins."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._places: dict[int, dict[Tokens, list[int]]] = {}

    def runs(self, piece: Tokens) -> Iterator[int]:
        """For each n-gram of `piece`: tokens in common up to its end without a gap, 0 where the text lacks it."""
        n = min(N, len(piece))
        places = self._of(n)
        before: dict[int, int] = {}
        for start in range(len(piece) - n + 1):
            at = places.get(piece[start : start + n], ())
            before = {place: before.get(place - 1, n - 1) + 1 for place in at}
            yield max(before.values(), default=0)

    def _of(self, n: int) -> dict[Tokens, list[int]]:
        if n not in self._places:
            places = self._places[n] = {}
            for start in range(len(self._tokens) - n + 1):
                places.setdefault(self._tokens[start : start + n], []).append(start)
        return self._places[n]


def _tokens(text: str) -> Tokens:
    found = map(_token, _TOKEN.finditer(_ESCAPE.sub(" ", text).lower()))
    return tuple(token for token in found if token != "assert")


def _token(match: re.Match[str]) -> str:
    word = match[0]
    if match["call"] is None:
        return word
    word = word[: -len(match["call"])]
    return word if word in _STATEMENTS else _CALLED


def _documentation(task: Task) -> str:
    """The docstrings of the prompt's module and of the function; the whole prompt where there are none."""
    tree = parsed(task.prompt)
    if tree is None:
        return task.prompt
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == task.entry_point]
    found = [ast.get_docstring(tree), *map(ast.get_docstring, functions)]
    return "\n".join(filter(None, found)) or task.prompt


def _assertions(check: str) -> list[Tokens]:
    """The tokens of each assertion of a check, without the keyword and the message, each once."""
    tree = parsed(check)
    tests = [node.test for node in ast.walk(tree) if isinstance(node, ast.Assert)] if tree else []
    return list(dict.fromkeys(_tokens(ast.unparse(test)) for test in tests))
