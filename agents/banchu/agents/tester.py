"""The test writer: asks the model for tests of its own, before anybody knows whether they are right.

Source: Shinn et al. 2023, Reflexion (arXiv:2303.11366), section 4.3: tests written once from signature and docstring, a
syntax filter, the same tests in every round. The system prompt is theirs; their few-shot example is left out, and the
first tests are kept where they sample. A model that continues raw text is given the beginning of a test instead, as in
Chen et al. 2022, CodeT (arXiv:2207.10397).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from banchu.agents import prompts
from banchu.agents.fences import fenced_blocks
from banchu.agents.parsing import chunks, normalised
from banchu.agents.quoting import fenced
from banchu.core.chat import Message, Request, Sampling
from banchu.core.task import Task
from banchu.models.protocol import Model

MAX_CHARACTERS: Final = 1000
"""Of one test; a longer one is dropped, since it would fill the prompts that report on it."""

_STOPS: Final = ("\n```", "\ndef ", "\nclass ", "\nif __name__")


@dataclass(frozen=True, slots=True)
class TestWriter:
    """Asks `model` for tests in the way that suits it: in a chat, or as a text to continue."""

    __test__ = False  # pytest must not collect a class for its name

    model: Model
    sampling: Sampling
    max_tokens: int = 512
    """Caps the tokens of a reply below what `sampling` allows."""

    async def write(self, task: Task, *, limit: int, seed: int) -> tuple[str, ...]:
        """At most `limit` asserts that call the task's function, in the order in which they were written; perhaps none.

        Raises ModelError.
        """
        sampling = replace(self.sampling, seed=seed, max_tokens=min(self.max_tokens, self.sampling.max_tokens))
        begun = ""
        if self.model.prompt_style == "completion":
            sampling = replace(sampling, stop=tuple(dict.fromkeys((*_STOPS, *sampling.stop))))
            begun = f"assert {task.entry_point}("
            prompt: str | tuple[Message, ...] = prompts.render(
                "completion_tests", prompt=task.prompt.rstrip(), entry_point=task.entry_point
            )
        else:
            asked = prompts.render(
                "tester_write", prompt=fenced(task.prompt, "python"), entry_point=task.entry_point, count=str(limit)
            )
            prompt = (Message("system", prompts.render("tester_system")), Message("user", asked))
        done = await self.model.complete(Request(prompt, sampling, role="tester"))
        text = f"{begun}{done.text}"
        # A cut line may parse, and then asks for another value than was meant.
        text = text.rpartition("\n")[0] if done.finish_reason == "length" else text
        return asserts_in(text, task.entry_point)[:limit]


def asserts_in(reply: str, entry_point: str) -> tuple[str, ...]:
    """The asserts of a reply that call `entry_point`, each once and on one line. Accepts any text and never raises."""
    text = normalised(reply)
    answer = text.rpartition("</think>")[2]
    blocks = fenced_blocks(answer) or [answer]
    found = (test for block in blocks for test in _asserts(block, entry_point))
    return tuple(dict.fromkeys(test for test in found if len(test) <= MAX_CHARACTERS))


def _asserts(block: str, entry_point: str) -> Iterator[str]:
    for chunk in chunks(block):
        for node in _in_order(chunk.module):
            if isinstance(node, ast.Assert) and _calls(node.test, entry_point):
                yield ast.unparse(ast.Assert(node.test, None))


def _in_order(module: ast.Module) -> Iterator[ast.stmt]:
    """Its statements, and those of test functions and classes around them."""
    waiting: list[ast.stmt] = module.body[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting += node.body[::-1]


def _calls(test: ast.expr, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(test)
    )
